"""Messages between a reporter and staff, without an address on either side."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from submissions import traces
from submissions.errors import TooManyMessages, TraceInMessage
from submissions.models import Case, Message

MOST_LETTERS: Final = 1000
MOST_WAITING: Final = 10  # unanswered ones; more could only be a flood


@transaction.atomic
def write_to_staff(case: Case, text: str) -> None:
    """Keep a reporter's message. Raises TraceInMessage when it says who they are, TooManyMessages."""
    if traces.are_in(text):
        raise TraceInMessage
    locked = Case.objects.select_for_update().get(pk=case.pk)  # two tabs must not both take the last place
    if _waiting(locked) >= MOST_WAITING:
        raise TooManyMessages
    _keep(locked, Message.Author.REPORTER, text)


def answer(case: Case, text: str) -> Message:
    """Keep what staff write to a reporter."""
    return _keep(case, Message.Author.STAFF, text)


def staff_had_the_last_word(case: Case) -> bool:
    """Whether an answer is there that the reporter has not replied to."""
    last = Message.objects.of(case).order_by("-pk").values_list("author", flat=True).first()
    return last == Message.Author.STAFF


def _keep(case: Case, author: str, text: str) -> Message:
    return Message.objects.create(case=case, author=author, text=text, sent_on=timezone.localdate())


def _waiting(case: Case) -> int:
    """How many of the reporter's messages came after staff's last one."""
    answered = (
        Message.objects.of(case)
        .filter(author=Message.Author.STAFF)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )
    return Message.objects.of(case).filter(author=Message.Author.REPORTER, pk__gt=answered or 0).count()
