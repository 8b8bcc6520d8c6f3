"""How long a login lasts, for staff and platforms' members alike: 15 minutes without a deed, eight hours at most.

A session's row holds when it began and when it was last used; never an address or a browser.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
NOTED_EVERY_SECONDS = 30  # a write for each click would be one too many; a login ends so much earlier at worst
BEGAN, USED = "began_at", "used_at"


@receiver(user_logged_in)
def begin(request: HttpRequest, **kwargs: Any) -> None:
    """Start both clocks. Django has just given the session a new id, so one planted before the login opens nothing."""
    request.session[BEGAN] = request.session[USED] = time.time()


class SessionsEnd:
    """Middleware: ends a login that is too old, before any page sees it. Visitors without one cost nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            self._end_or_note(request, time.time())
        return self.get_response(request)

    def _end_or_note(self, request: HttpRequest, now: float) -> None:
        idle = now - request.session.get(USED, 0)
        if idle > IDLE.total_seconds() or now - request.session.get(BEGAN, 0) > LONGEST.total_seconds():
            logout(request)
            messages.info(request, _("You were logged out because some time had passed. Log in to go on."))
        elif idle > NOTED_EVERY_SECONDS:
            request.session[USED] = now
