"""Mail to platforms: short, in plain words, in English. Reporters never get any.

A mail's text is a template in `templates/emails/`; its first line is the subject. A mail goes out when the transaction
that caused it has been committed: what could not be sent has been saved all the same, and can be sent again.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.template import Context, engines
from django.utils import translation

from takeitdown.errors import Refused

logger = logging.getLogger("takeitdown.mail")


class MailNotSent(Refused):
    """The mail server is away or declines. What caused the mail is kept."""

    code = "mail_not_sent"
    status = 503
    default_detail = (
        "This was saved, but the e-mail about it could not be sent. Wait a few minutes, then send it again."
    )
    retry_after = 120


def send(*, to: str, template: str, context: Mapping[str, Any]) -> None:
    """Send `emails/<template>.txt` to one address; `portal` (this portal's address) is known to every text.

    No header can be smuggled in: the subject is one line without control characters, and an address that is none is
    refused before a server is asked. Call it from `transaction.on_commit`. Raises MailNotSent, and ValidationError for
    an address that is none. Sending again sends another mail.
    """
    validate_email(to)
    subject, body = written(template, context)
    message = EmailMessage(subject, body, to=[to], headers={"Auto-Submitted": "auto-generated"})
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as failure:
        logger.warning("the mail server did not take %s: %s", template, type(failure).__name__)
        raise MailNotSent from None


def written(template: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and body, not escaped for HTML."""
    known = {"portal": settings.PUBLIC_URL, **context}
    text = engines["django"].engine.get_template(f"emails/{template}.txt")  # type: ignore[attr-defined]
    with translation.override("en"):
        whole = text.render(Context(known, autoescape=False)).lstrip()
    subject, _, body = whole.partition("\n")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in subject).split()), body.strip() + "\n"
