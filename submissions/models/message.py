"""What a reporter and staff write to each other."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from submissions.models.case import Case


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, case: Case) -> Self:
        """What was written in a case, from both sides, oldest first."""
        return self.filter(case=case)

    def sent_before(self, day: object) -> Self:
        """Messages older than `day`."""
        return self.filter(sent_on__lt=day)


class Message(models.Model):
    """A few sentences in a case, from either side. Known by its day only, and kept for 90 of them."""

    class Author(models.TextChoices):
        REPORTER = "reporter", _("reporter")
        STAFF = "staff", _("staff")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="messages", verbose_name=_("case"))
    author = models.CharField(_("from"), max_length=8, choices=Author.choices)
    text = models.TextField(_("text"))
    sent_on = models.DateField(_("sent on"))

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"message #{self.pk}"
