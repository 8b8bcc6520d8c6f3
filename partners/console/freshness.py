"""How fresh a platform's copy of a list is: what we signed last, against what it acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models import ListHead, ListReader
from partners.models import Environment, Partner

STALE_AFTER = timedelta(days=7)  # from then on a person decides every match (LIST.md §5)


class Standing(models.TextChoices):
    """How a copy compares with the newest head, in the words of the overview."""

    NOT_SIGNED = "not_signed", _("The list is being set up; its first signed head appears within seconds.")
    NEVER = "never", _("Your client has not acknowledged a copy yet.")
    EXACT = "exact", _("Your copy is exact: same position, same set hash.")
    BEHIND = "behind", _("Your copy was exact at its position; newer changes wait for your next pull.")
    OLD_EPOCH = "old_epoch", _("The list began a new epoch. Your client has to take a snapshot.")
    DIVERGED = "diverged", _("Your set hash is not ours for that position. Take a snapshot.")


@dataclass(frozen=True)
class Copy:
    """One list of a platform and the copy it holds. `newest` is None before the list's first head is signed."""

    environment: str
    reader: ListReader
    newest: ListHead | None

    @property
    def standing(self) -> Standing:
        if self.newest is None:
            return Standing.NOT_SIGNED
        if self.reader.diverged_at:
            return Standing.DIVERGED
        if not self.reader.epoch:
            return Standing.NEVER
        if self.reader.epoch != self.newest.epoch:
            return Standing.OLD_EPOCH
        return Standing.EXACT if self.reader.seq == self.newest.seq else Standing.BEHIND

    @property
    def is_good(self) -> bool:
        return self.standing in {Standing.EXACT, Standing.BEHIND} and not self.is_stale

    @property
    def changes_behind(self) -> int:
        """How many changes the copy lacks; 0 where positions cannot be compared."""
        if self.standing != Standing.BEHIND or self.newest is None:
            return 0
        return max(0, self.newest.seq - self.reader.seq)

    @property
    def is_stale(self) -> bool:
        """Whether the copy was up to date once, and not within the last week."""
        last = self.reader.reached_on
        return last is not None and last < timezone.localdate() - STALE_AFTER


def copies(partner: Partner) -> list[Copy]:
    """Production first, then the sandbox, as far as the platform has them."""
    both = ((Environment.LIVE, partner.reader), (Environment.TEST, partner.sandbox_reader))
    return [Copy(environment, reader, _newest(reader)) for environment, reader in both if reader is not None]


def _newest(reader: ListReader) -> ListHead | None:
    return ListHead.objects.filter(hash_list_id=reader.hash_list_id).order_by("-epoch", "-seq").first()
