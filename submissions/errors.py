"""What the reporter's side declines, in words for a frightened person. Never repeats what was sent.

The sentences are marked for translation here and translated where they are shown.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from takeitdown.errors import Refused


class CaseNotFound(Refused):
    """One answer for an unknown number, a wrong PIN, too many guesses and a deleted case."""

    code = "case_not_found"
    status = 403
    default_detail = _(
        "We can't open a case with this number and PIN right now. Check both and try again. "
        "After a few tries you have to wait a little, sometimes until tomorrow. That is to keep others out."
    )


class InvalidReport(Refused):
    """The report is not what `/api/reports/` takes; `detail` names the member, never its value."""

    code = "invalid_report"
    default_detail = _("This report can't be read.")


class NothingToList(Refused):
    """Nothing that was sent about a file can go on the list."""

    code = "nothing_to_list"
    default_detail = _("One of the files is blank or too plain to be told from others, so we can't list it.")


class AnotherReport(Refused):
    """The idempotency key was used for another report."""

    code = "another_report"
    status = 409
    default_detail = _("This was sent before with other content. Start again from the first page.")


class CaseFull(Refused):
    code = "case_full"
    status = 409
    default_detail = _("This case is full. Start a new case for more files.")


class TraceInMessage(Refused):
    """A message says who somebody is. It is not kept; the page gives it back with the place marked."""

    code = "trace_in_message"
    default_detail = _(
        "Nothing was sent yet. Please take out what is marked: telephone numbers, e-mail addresses, links, your PIN. "
        "We do not want to know who you are."
    )


class TooManyMessages(Refused):
    code = "too_many_messages"
    status = 409
    default_detail = _("We have your messages and have not answered yet. Please wait for our answer.")


class CaseClosed(Refused):
    """Nobody has opened a case in this browser lately."""

    code = "case_closed"
    status = 403
    default_detail = _("Open your case with its number and PIN first.")


class FromElsewhere(Refused):
    """Another site made the browser send this."""

    code = "from_elsewhere"
    status = 403
    default_detail = _("This has to come from our own page. Open the page again and try once more.")


class PostOnly(Refused):
    code = "method_not_allowed"
    status = 405
    default_detail = _("Send the report with POST.")
