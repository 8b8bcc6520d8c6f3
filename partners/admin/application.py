"""Applications as staff see them: a queue, and the two answers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners import applications
from partners.admin.deeds import Deed, DeedsAdmin, waits
from partners.models import Application, Stage


class StageFilter(admin.SimpleListFilter):
    """Where an application stands, with counts; those that wait for staff come first."""

    title = _("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("review", _("to be read")), ("email", _("address not confirmed")), ("approved", _("approved")),
                ("refused", _("refused"))]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Application]) -> QuerySet[Application]:
        wanted: dict[str | None, dict[str, Any]] = {
            "review": {"email_verified_at__isnull": False, "partner": None, "refused_at": None},
            "email": {"email_verified_at": None},
            "approved": {"partner__isnull": False},
            "refused": {"refused_at__isnull": False},
        }
        return queryset.filter(**wanted.get(self.value(), {}))


class ApprovalForm(forms.Form):
    """How the platform will be known to us."""

    code = forms.SlugField(
        label=_("Code"),
        max_length=40,
        help_text=_("Lower-case letters, digits, hyphens. Names its sandbox list; it does not change."),
    )
    group = forms.CharField(
        label=_("Group"),
        max_length=80,
        help_text=_("The company behind it. Platforms of one group have one vote on an entry."),
    )


class RefusalForm(forms.Form):
    """What the applicant reads."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The applicant reads exactly this, by mail and behind their link. Say what would have to change."),
    )


def _is_waiting(application: Application) -> bool:
    return application.stage == Stage.REVIEW


def _propose(application: Application, typed: dict[str, Any], by: str) -> str:
    return waits(applications.propose_approval(application, by=by, **typed))


def _refuse(application: Application, typed: dict[str, Any], by: str) -> str:
    applications.refuse(application, reason=typed["reason"], by=by)
    return gettext("Refused. The applicant has been told why.")


def _suggested(application: Application) -> dict[str, Any]:
    return {"code": slugify(application.service)[:40], "group": application.organisation}


@admin.register(Application)
class ApplicationAdmin(DeedsAdmin):
    """What was applied for is never edited: what one person proposes is what another allows."""

    list_display = ("service", "organisation", "website", "stands", "applied_at")
    list_filter = (StageFilter,)
    show_facets = admin.ShowFacets.ALWAYS
    fields = (
        *("organisation", "service", "website", "contact_email", "security_email", "on_a_match", "terms_version"),
        *("stands", "applied_at", "email_verified_at", "partner", "refused_at", "reason"),
    )
    readonly_fields = ("stands",)
    ordering = ("-applied_at",)
    deeds = (
        Deed(
            "propose",
            _("Propose to approve it"),
            _("Another member of staff has to allow it. Then a sandbox opens and the applicant is invited as owner."),
            "partners.change_application",
            _is_waiting,
            _propose,
            ApprovalForm,
            _suggested,
        ),
        Deed(
            "refuse",
            _("Refuse it"),
            _("Final for this application; a new one may be sent at any time."),
            "partners.change_application",
            _is_waiting,
            _refuse,
            RefusalForm,
        ),
    )

    @admin.display(description=_("stage"))
    def stands(self, application: Application) -> str:
        return str(application.stage.label)
