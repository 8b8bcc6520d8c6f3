"""From an application to the production list. For now its last step: staff open the list for a platform."""

from __future__ import annotations

from django.db import transaction

from matching import hashlist
from matching.models import ListReader
from partners.models import Partner, PartnerState


@transaction.atomic
def open_production(partner: Partner, *, named_in_public: bool) -> ListReader:
    """Let `partner` read the production list; its reader is made where it is missing. Repeating changes nothing."""
    row = Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    if row.reader is None:
        row.reader = ListReader.objects.create(
            hash_list=hashlist.production(), name=row.name, is_public=named_in_public
        )
    row.state = PartnerState.PRODUCTION
    row.save(update_fields=["reader", "state"])
    partner.reader, partner.state = row.reader, row.state
    return row.reader
