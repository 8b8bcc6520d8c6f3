"""The console's first page: where the platform stands, and what is next."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from matching.models import ListReader, SigningKey
from partners import onboarding
from partners.console.charts import Chart, Series
from partners.console.clock import open_clocks
from partners.console.doors import door
from partners.console.freshness import copies
from partners.console.page import page
from partners.models import Membership, PagesRead, Partner, Role, WebhookEndpoint

DAYS = 14
# Where a member does what is next; the other steps are somebody else's, or need nothing.
STEP_PAGES = {
    "accept_terms": "console:terms",
    "issue_test_key": "console:new_key",
    "take_self_test": "console:self_test",
    "repeat_self_test": "console:self_test",
    "issue_live_key": "console:new_key",
    "take_first_copy": "console:guide",
    "repair_copy": "console:guide",
}


@require_safe
def login(request: HttpRequest) -> HttpResponse:
    """GET /console/login/: to the login, and from there to the overview."""
    overview = reverse("console:overview")
    if request.user.is_authenticated:
        return HttpResponseRedirect(overview)
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': overview})}")


@door(GET=Role.READ_ONLY, open_after_leaving=True)
def overview(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/"""
    partner = member.partner
    clocks = open_clocks(partner)
    step = onboarding.next_step(partner)
    context = {
        "step": step,
        "step_page": STEP_PAGES.get(step.name, ""),
        "copies": copies(partner),
        "chart": pages_chart(partner, days=DAYS),
        "open_clocks": len(clocks),
        "late_clocks": sum(clock.is_late for clock in clocks),
        "failing": WebhookEndpoint.objects.filter(partner=partner, removed_at=None, failing_since__isnull=False),
        "verifier_keys": verifier_keys(),
    }
    return page(request, member, "overview.html", context)


def verifier_keys() -> list[str]:
    """The keys that sign now, as a client pins them."""
    return list(SigningKey.objects.filter(valid_until__gt=timezone.now()).values_list("verifier", flat=True))


def readers_of(partner: Partner) -> list[ListReader]:
    """How the lists know `partner`: production, sandbox, as far as there are any."""
    return [reader for reader in (partner.reader, partner.sandbox_reader) if reader is not None]


def pages_chart(partner: Partner, *, days: int) -> Chart:
    """Pages with changes taken on each of the last days, the production list and the sandbox apart."""
    today = timezone.localdate()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    counted = PagesRead.objects.filter(reader__in=readers_of(partner), day__gte=dates[0])
    pages = {(row.reader_id, row.day): row.pages for row in counted}
    names = {partner.reader_id: _("from production"), partner.sandbox_reader_id: _("from the sandbox")}
    return Chart(
        id="pages",
        title=_("Pages with changes, by day"),
        labels=[f"{date:%d %b}" for date in dates],
        series=[
            Series(names[reader.pk], [pages.get((reader.pk, date), 0) for date in dates])
            for reader in readers_of(partner)
        ],
        unit=_("pages"),
    )
