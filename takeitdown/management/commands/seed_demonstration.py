"""Fill the try-out so that there is something to see; run_portal calls it at each start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from takeitdown import demonstration


class Command(BaseCommand):
    """List harmless generated pictures, make a platform and a member of staff, write `var/demo.json`."""

    help = "Seeds the try-out; adds nothing the second time."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("The demonstration is for the try-out only: its pictures would go to real platforms.")
        demonstration.seed()
