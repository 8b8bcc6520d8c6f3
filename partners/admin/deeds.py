"""Pages on which staff read facts and press deeds: each deed is a small form of its own below the facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from takeitdown.audit.admin import ReadOnlyAdmin
from takeitdown.errors import Refused


@dataclass(frozen=True)
class Deed:
    """What may be done with one row.

    `do(row, typed, by)` does it and returns the sentence that staff read afterwards; it may raise Refused. `fits(row)`
    says whether the button is shown. `needs` is the permission ("partners.change_partner").
    """

    name: str
    button: str | Promise
    explanation: str | Promise
    needs: str
    fits: Callable[[Any], bool]
    do: Callable[[Any, dict[str, Any], str], str]
    form: type[forms.Form] = forms.Form
    initial: Callable[[Any], dict[str, Any]] = lambda row: {}


class DeedsAdmin(ReadOnlyAdmin):
    """Facts are read-only for everybody; `deeds` are shown to those who may. The processes write the audit log."""

    deeds: tuple[Deed, ...] = ()
    change_form_template = "admin/partners/deeds.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_deed"
        view = self.admin_site.admin_view(self.deed_view)
        return [path("<str:object_id>/deed/<slug:name>/", view, name=name), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        shown = [self._shown(request, deed, row) for deed in self.deeds if row and self._may(request, deed, row)]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "deeds": shown})

    @method_decorator(require_POST)
    def deed_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Do one deed and go back to the row with a word on how it went."""
        row = self.get_object(request, object_id)
        deed = next((one for one in self.deeds if one.name == name), None)
        if row is None or deed is None:
            raise Http404
        if not (self.has_view_permission(request, row) and request.user.has_perm(deed.needs)):
            raise PermissionDenied
        form = deed.form(request.POST, prefix=deed.name)
        if form.is_valid():
            self._do(request, deed, row, form.cleaned_data)
        else:
            for field, faults in form.errors.items():
                label = form.fields[field].label if field in form.fields else ""
                self.message_user(request, f"{label or ''} {' '.join(map(str, faults))}".strip(), messages.ERROR)
        return HttpResponseRedirect(self._address("change", row))

    def _do(self, request: HttpRequest, deed: Deed, row: Model, typed: dict[str, Any]) -> None:
        try:
            said = deed.do(row, typed, request.user.get_username())
        except Refused as refusal:
            self.message_user(request, gettext(refusal.detail), messages.ERROR)
        else:
            self.message_user(request, said, messages.SUCCESS)

    def _may(self, request: HttpRequest, deed: Deed, row: Model) -> bool:
        return deed.fits(row) and request.user.has_perm(deed.needs)

    def _shown(self, request: HttpRequest, deed: Deed, row: Model) -> dict[str, Any]:
        form = deed.form(prefix=deed.name, initial=deed.initial(row))
        return {"deed": deed, "form": form, "address": self._address("deed", row, deed.name)}

    def _address(self, page: str, *parts: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[part.pk if isinstance(part, Model) else part for part in parts])


def waits(asked: Any) -> str:
    """What staff read after they asked for a deed that needs two."""
    return gettext("Asked. Another member of staff has to allow it within 24 hours: approval request {number}.").format(
        number=asked.pk
    )
