"""Self-tests: what a platform caught of the harmless test pictures on its sandbox list."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models.hold import random_id
from partners.models.partner import Partner


class SelfTest(models.Model):
    """One run. `begun` → matches answered → tombstones published → the copy without them acknowledged → judged.

    `tombstones` names the entries (32 hex) taken off the sandbox list during the run; `result` holds counts and the
    names of test files, which are ours.
    """

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="self_tests")
    begun_at = models.DateTimeField(_("begun at"), default=timezone.now)
    answered_at = models.DateTimeField(_("matches reported at"), null=True, blank=True)
    tombstones = models.JSONField(default=list, editable=False)
    withdrawn_at = models.DateTimeField(_("entries withdrawn at"), null=True, blank=True)
    dropped_at = models.DateTimeField(_("copy without them acknowledged at"), null=True, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    judged_at = models.DateTimeField(_("judged at"), null=True, blank=True)
    passed = models.BooleanField(_("passed"), null=True, blank=True)

    class Meta:
        verbose_name = _("self-test")
        verbose_name_plural = _("self-tests")
        ordering = ("-begun_at",)

    def __str__(self) -> str:
        return f"self-test {self.pk.hex[:8]}"
