"""A platform that takes part, and the people who act for it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models import ListReader


class PartnerState(models.TextChoices):
    """How far an approved platform has come; before that it is an Application."""

    SANDBOX = "sandbox", _("testing in its sandbox")
    PRODUCTION = "production", _("reads the production list")
    SUSPENDED = "suspended", _("suspended")
    LEFT = "left", _("left")


class Partner(models.Model):
    """A platform. `reader` is how the production list knows it, `sandbox_reader` how its own test list does.

    Partners of one `group` belong to one company: their votes on an entry count once.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    code = models.CharField(
        _("code"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", _("Lower-case letters, digits and single hyphens."))],
        help_text=_("Names its sandbox list. It does not change."),
    )
    group = models.CharField(
        _("group"), max_length=80, help_text=_("Partners of one company share it: together they have one vote.")
    )
    state = models.CharField(_("state"), max_length=12, choices=PartnerState.choices, default=PartnerState.SANDBOX)
    reader = models.OneToOneField(
        ListReader, on_delete=models.PROTECT, null=True, blank=True, related_name="partner", verbose_name=_("reader")
    )
    sandbox_reader = models.OneToOneField(
        ListReader,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sandbox_partner",
        verbose_name=_("reader of its sandbox"),
    )
    website = models.URLField(_("website"), max_length=200, blank=True)
    contact_email = models.EmailField(_("contact"), blank=True)
    security_email = models.EmailField(_("contact for security matters"), blank=True)
    certified_at = models.DateTimeField(_("passed its self-test at"), null=True, blank=True)
    suspended_because = models.CharField(_("suspended because"), max_length=500, blank=True)
    # Feedback does not move entries while staff look into it; what was said stays.
    feedback_suspended_at = models.DateTimeField(_("feedback set aside since"), null=True, blank=True)
    # Whether entries were last counted with its votes; a sweep counts anew where that is no longer so.
    votes_counted = models.BooleanField(default=False, db_default=False, editable=False)
    created_on = models.DateField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do for its partner."""

    OWNER = "owner", _("owner")
    ENGINEER = "engineer", _("engineer")
    REVIEWER = "reviewer", _("reviewer")
    READ_ONLY = "read_only", _("read only")


class Membership(models.Model):
    """A person who acts for a partner. One account belongs to one partner, and never to staff."""

    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="membership")
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    since = models.DateField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")

    def __str__(self) -> str:
        return f"member #{self.pk}"
