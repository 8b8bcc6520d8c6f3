"""When the reporter's side wakes up: forgetting. The timetable stands in takeitdown/celery.py."""

from __future__ import annotations

from celery import shared_task

from submissions import retention


@shared_task(name="submissions.forget_receipts")  # type: ignore[untyped-decorator]
def forget_receipts() -> None:
    retention.forget_receipts()


@shared_task(name="submissions.forget_guesses")  # type: ignore[untyped-decorator]
def forget_guesses() -> None:
    retention.forget_guesses()


@shared_task(name="submissions.delete_messages")  # type: ignore[untyped-decorator]
def delete_messages() -> None:
    retention.delete_messages()


@shared_task(name="submissions.delete_withdrawn_cases")  # type: ignore[untyped-decorator]
def delete_withdrawn_cases() -> None:
    retention.delete_withdrawn_cases()
