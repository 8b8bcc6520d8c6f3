"""allauth's own table of addresses, kept in step with `Account.email`.

Without a row there, allauth would empty the account's address as soon as somebody asks for another one.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver

from takeitdown.accounts.models import Account


@receiver(user_logged_in)
@transaction.atomic
def keep_in_step(user: Account, **kwargs: Any) -> None:
    """The account's address as its one verified row. It was proven by an invitation, or given by whoever runs this."""
    rows = EmailAddress.objects.filter(user=user)
    if not rows.filter(email=user.email, primary=True, verified=True).exists():
        rows.delete()
        row = EmailAddress(user=user, email=user.email, primary=True, verified=True)
        EmailAddress.objects.bulk_create([row], ignore_conflicts=True)  # two browsers may log in at once
