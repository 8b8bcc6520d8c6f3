"""The words that the report page's script shows. They stand here so that they are translated like all others."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def report_words() -> dict[str, str]:
    """What report.js says, by the codes of the worker (notices and failures) and of the intake's refusals."""
    return {
        "picture": _("Picture {n}"),
        "video": _("Video {n}"),
        "unusable": _("This file"),
        "waiting": _("Waiting its turn"),
        "working": _("Making the fingerprint: {percent} %"),
        "done": _("Fingerprint ready"),
        "cancel": pgettext("a file being read", "Cancel"),
        "remove": pgettext("a picked file", "Remove"),
        "size": _("All that will be sent, in bytes: {n}"),
        "sent": _("Bytes of yours that this page has sent so far: {n}"),
        "copied": _("Copied."),
        "copy_failed": _("Your browser does not let us copy. Please write it down."),
        **_loading(),
        **_notices(),
        **_failures(),
        **_sending(),
        **_slip(),
    }


def _loading() -> dict[str, str]:
    return {
        "loading": _("Loading what your device needs…"),
        "ready_locked": _(
            "Ready. You may switch off Wi-Fi and mobile data now. The part that reads your picture cannot use the "
            "network anyway: your browser has just refused it. Switch it on again before you press Send."
        ),
        "ready": _("Ready. You may switch off Wi-Fi and mobile data now. Switch it on again before you press Send."),
        "cannot_load": _("Something could not be loaded. Check your connection and open this page again."),
    }


def _notices() -> dict[str, str]:
    return {
        "low_quality": _("This one is very plain. We can stop exact copies of it, not edited ones."),
        "near_symmetric": _("Some edited copies of this one may be missed. Exact copies are stopped."),
        "no_picture_fingerprint": _(
            "Your browser cannot open this kind of picture. We can stop exact copies of it, not edited ones."
        ),
        "heic_unavailable": _(
            "Your browser cannot open this kind of picture. We can stop exact copies of it. "
            "Pick a screenshot of it as well: then we can stop edited ones, too."
        ),
        "many_frames": _("This one moves. We took the fingerprint of its first picture. Exact copies are stopped."),
        "no_md5": _("A few small platforms may miss copies of this one."),
    }


def _failures() -> dict[str, str]:
    return {
        "empty_file": _("There is nothing in this file. Please pick another one."),
        "not_a_picture": _("This is not a picture or video that we know. Please pick another one."),
        "cannot_decode": _("Your browser could not open this. A screenshot of it will work."),
        "too_large": _("This is too large for your browser. A screenshot, or a shorter video, will work."),
        "blank": _("This picture is blank, so there is nothing to find. Please pick another one."),
        "cancelled": _("Cancelled."),
        "duplicate": _("You have picked this one already."),
        "too_many": _("25 files are the most for one go. You can add more afterwards."),
    }


def _sending() -> dict[str, str]:
    return {
        "sending": _("Sending…"),
        "retrying": _(
            "We can't be reached just now. Nothing is lost: we try again by ourselves. Leave this page open."
        ),
        "gave_up": _("It has not worked so far. Nothing is lost. Check your connection and press Send again."),
        "refused": _("This could not be taken. Go back and pick the files again, or try in a few minutes."),
        "case_closed": _("Your case was closed because it was open for 20 minutes. Open it again with your code."),
        "case_full": _("This case is full. Please start a new one for more files."),
        "nothing_to_list": _("One of the files is too plain to be told from others. Go back and remove it."),
        "say_so": _("Please tick the box first."),
    }


def _slip() -> dict[str, str]:
    return {
        "slip": _("Case number: {number}\nPIN: {pin}\n{address}\n"),
        "file_name": _("note.txt"),
        "number_differs": _("This is not the number we gave you. Go back and look once more."),
        "pin_differs": _("This is not the PIN we gave you. Go back and look once more."),
    }
