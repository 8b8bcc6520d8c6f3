"""The public log: numbered changes, and the signed heads that close each batch of them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.errors import ListNotReady
from matching.models.entry import HashListEntry
from matching.models.hash_list import HashList


class Op(models.IntegerChoices):
    """What a change does; the number is the byte of LIST.md §3."""

    ADD = 1, "add"
    UPDATE = 2, "update"
    REMOVE = 3, "remove"


class RemovalReason(models.IntegerChoices):
    """Why a row left; the number is the detail byte of a removal."""

    WITHDRAWN = 1, "withdrawn"
    QUARANTINED = 2, "quarantined"
    REMOVED = 3, "removed"


class ListChangeQuerySet(models.QuerySet["ListChange"]):
    def after(self, seq: int) -> Self:
        """Changes past a reader's position, oldest first."""
        return self.filter(seq__gt=seq).order_by("seq")


class ListChange(models.Model):
    """One numbered alteration of the public list (LIST.md §3). Append-only. Holds no value: pages join it to the entry,
    so erasing a withdrawn value never touches the log.
    """

    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="changes")
    epoch = models.PositiveBigIntegerField()
    seq = models.PositiveBigIntegerField()
    entry = models.ForeignKey(HashListEntry, on_delete=models.PROTECT, related_name="changes")
    op = models.PositiveSmallIntegerField(choices=Op.choices)
    detail = models.PositiveSmallIntegerField()
    # Trust of the row before, where there was one: lets a later epoch's set be recomputed back to its beginning.
    was = models.PositiveSmallIntegerField(null=True)
    commitment = models.BinaryField(max_length=32)
    chain = models.BinaryField(max_length=32)

    objects = ListChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a list")
        verbose_name_plural = _("changes of a list")
        constraints = [models.UniqueConstraint(fields=["hash_list", "epoch", "seq"], name="one_change_per_number")]

    def __str__(self) -> str:
        return f"change {self.seq}"


class ListHeadQuerySet(models.QuerySet["ListHead"]):
    def newest(self, hash_list: HashList) -> ListHead:
        """The head that everybody should reach. Raises ListNotReady before the first one is signed."""
        head = self.filter(hash_list=hash_list).order_by("-epoch", "-seq").first()
        if head is None:
            raise ListNotReady
        return head


class ListHead(models.Model):
    """The signed end of a batch (LIST.md §3). Its state never changes; `note` may be signed anew for a later statement.

    `batch_bytes` bounds what the batch takes in a page.
    """

    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="heads")
    epoch = models.PositiveBigIntegerField(_("epoch"))
    seq = models.PositiveBigIntegerField(_("change"))
    chain = models.BinaryField(max_length=32)
    set_hash = models.BinaryField(max_length=32)
    live = models.PositiveBigIntegerField(_("rows"))
    note = models.TextField(_("signed note"))
    issued_at = models.DateTimeField(_("issued at"))
    batch_bytes = models.PositiveIntegerField(default=0)

    objects = ListHeadQuerySet.as_manager()

    class Meta:
        verbose_name = _("head of a list")
        verbose_name_plural = _("heads of a list")
        constraints = [models.UniqueConstraint(fields=["hash_list", "epoch", "seq"], name="one_head_per_position")]

    def __str__(self) -> str:
        return f"head {self.epoch}/{self.seq}"
