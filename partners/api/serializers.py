"""The shapes of requests and answers. Answers are written by `matching`; these describe them (LIST.md §4)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from matching.models import EntryOutcome
from partners.api.fields import Body, ClientId, EntryId, QueryNumber, Sha256, WholeNumber, Word
from partners.models import Opinion, Reason

NOTE = "A signed note (C2SP, Ed25519): eleven lines, an empty line, one line for each signature."
TRUST = ["unverified", "confirmed"]
TRUST_HELP = "`unverified`: reported by the person shown, nobody has looked. `confirmed`: a platform reviewed it."
REMOVED_BECAUSE = ["withdrawn", "quarantined", "removed"]
MIN_WAIT_HELP = "Leave at least this many seconds between two polls."
COUNTED_HELP = (
    "Whether it counts on the list at present. It does not past your daily cap of disputes, after you changed your "
    "mind three times in a day, when you said something else since, once staff have settled the entry, or while your "
    "feedback is set aside. We keep it all the same."
)
ENTRY_STATES = ["listed", "quarantined", "removed", "withdrawn"]
STATE_HELP = "`listed`; `quarantined`: off the list while people look; `removed` or `withdrawn`: off for good."
REASONS = "`harmless`, `adult`, `not_sexual`, `widely_published`, `other`"


# --- requests ---------------------------------------------------------------------------------------------------


class ChangesQuery(serializers.Serializer[Any]):
    epoch = QueryNumber(required=False, help_text="Epoch of the head you hold. Without it: the present one.")
    after = QueryNumber(default=0, help_text="`seq` of the head you hold. Without it: from the beginning.")


class Acknowledgement(Body):
    epoch = WholeNumber(help_text="Epoch of the head your copy stands at.")
    seq = WholeNumber(help_text="`seq` of the head your copy stands at.")
    set = Sha256(help_text="The set hash you computed from your own rows, 64 lowercase hex digits.")


class GivenBackQuery(serializers.Serializer[Any]):
    after = ClientId(default="", help_text="`next` of the page before. Without it: from the first.")
    open = Word(choices=["true"], required=False, help_text="`true`: only what is not settled yet.")


class MatchReportBody(Body):
    client_id = ClientId(help_text="Your own name for this report. Sending it again is harmless.")
    entry = EntryId(help_text="The entry that matched, 32 lowercase hex digits.")
    outcome = Word(
        choices=EntryOutcome.Kind.values,
        help_text="`found`: matched, not decided yet; starts the 48-hour clock. `removed`, `declined`, `not_a_match`: "
        "what was decided; stops it. `blocked`: stopped at upload.",
    )
    reason = Word(
        choices=Reason.values, required=False, help_text=f"Why it stays up; only and always with `declined`: {REASONS}."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("reason" in attrs) != (attrs["outcome"] == EntryOutcome.Kind.DECLINED):
            raise serializers.ValidationError({"reason": f"A reason goes with `declined`, and only there: {REASONS}."})
        return attrs


class FeedbackBody(Body):
    client_id = ClientId(help_text="Your own name for this opinion. Sending it again is harmless.")
    entry = EntryId(help_text="The entry a person at your side looked at, 32 lowercase hex digits.")
    opinion = Word(choices=Opinion.values, help_text="`agree` or `dispute`; a later one replaces it.")
    reason = Word(choices=Reason.values, required=False, help_text=f"Only and always with `dispute`: {REASONS}.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("reason" in attrs) != (attrs["opinion"] == Opinion.DISPUTE):
            raise serializers.ValidationError({"reason": f"A reason goes with `dispute`, and only there: {REASONS}."})
        return attrs


class MatchReportBatch(Body):
    items = MatchReportBody(many=True, help_text="1 to 100 of them, each as you would report it alone.")


class FeedbackBatch(Body):
    items = FeedbackBody(many=True, help_text="1 to 100 of them, each as you would give it alone.")


# --- answers ----------------------------------------------------------------------------------------------------


class HeadAnswer(serializers.Serializer[Any]):
    head = serializers.CharField(help_text=f"The newest head. {NOTE}")
    min_wait_seconds = serializers.IntegerField(help_text=MIN_WAIT_HELP)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": 600}]})
class Value(serializers.Field[Any, Any, Any, Any]):
    """A fingerprint: a string, or for `vpdq` an array of frames."""


class _Shown(serializers.Serializer[Any]):
    id = EntryId(help_text="Random name of the entry.")
    trust = serializers.ChoiceField(choices=TRUST, help_text=TRUST_HELP)
    type = serializers.CharField(help_text="`pdq`, `phash`, `md5`, `sha256`, `vpdq`; keep rows of unknown types.")
    media = serializers.ChoiceField(choices=["image", "video"], help_text="What the fingerprint was made from.")
    value = Value(help_text="Lowercase hex; for `vpdq` an array of `<hex>,<quality>,<seconds>`.")
    nonce = EntryId(help_text="With type, media and value it gives the commitment that chain and set hash run over.")


class _Withheld(serializers.Serializer[Any]):
    id = EntryId(help_text="Random name of the entry.")
    trust = serializers.ChoiceField(choices=TRUST, help_text=TRUST_HELP)
    commitment = Sha256(help_text="The fingerprint is erased, or not for you; the row counts in both hashes.")


class ShownChange(_Shown):
    seq = serializers.IntegerField(help_text="Number of the change.")
    op = serializers.ChoiceField(choices=["add", "update"], help_text="A new row, or another trust of a row you have.")


class WithheldChange(_Withheld):
    seq = serializers.IntegerField(help_text="Number of the change.")
    op = serializers.ChoiceField(choices=["add", "update"], help_text="A new row, or another trust of a row you have.")


class Removal(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="Number of the change.")
    op = serializers.ChoiceField(choices=["remove"], help_text="Delete the row and its value at once.")
    id = EntryId(help_text="Random name of the entry.")
    reason = serializers.ChoiceField(choices=REMOVED_BECAUSE, help_text="Why it left.")
    commitment = Sha256(help_text="Of the row that leaves.")


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="Change",
        serializers=[ShownChange, WithheldChange, Removal],
        resource_type_field_name=None,
        many=True,
    )
)
class _Changes(serializers.ListField):
    """Numbered changes without a gap."""


class ChangesAnswer(serializers.Serializer[Any]):
    from_seq = serializers.IntegerField(help_text="The position you asked from.")
    changes = _Changes(help_text="Whole batches, numbered without a gap; empty when you are up to date.")
    head = serializers.CharField(help_text=f"Closes this page: its `seq` is the last change's. {NOTE}")
    latest = serializers.CharField(help_text="The newest head. Equal to `head`: you are up to date.")
    min_wait_seconds = serializers.IntegerField(help_text=MIN_WAIT_HELP)


class YourFeedback(serializers.Serializer[Any]):
    opinion = serializers.ChoiceField(choices=Opinion.values, help_text="What you said last.")
    reason = serializers.ChoiceField(choices=["", *Reason.values], help_text="Why, with a dispute; else empty.")
    given_on = serializers.DateField(help_text="The day you said it.")
    counted = serializers.BooleanField(help_text=COUNTED_HELP)


class _Entry(serializers.Serializer[Any]):
    listed = serializers.BooleanField(help_text="Whether it is on the list now.")
    your_feedback = YourFeedback(allow_null=True, help_text="Your last opinion, or null.")


class ShownEntry(_Shown, _Entry):
    """As shown to you."""


class WithheldEntry(_Withheld, _Entry):
    """Erased, or not for you."""


EntryAnswer = PolymorphicProxySerializer(
    component_name="Entry", serializers=[ShownEntry, WithheldEntry], resource_type_field_name=None
)


class MatchReportAnswer(serializers.Serializer[Any]):
    client_id = ClientId(help_text="As you sent it.")
    entry = EntryId(help_text="As you sent it.")
    outcome = serializers.ChoiceField(choices=EntryOutcome.Kind.values, help_text="As you sent it.")
    reason = serializers.ChoiceField(choices=["", *Reason.values], help_text="As you sent it, or empty.")
    received_at = serializers.DateTimeField(help_text="When we received it.")
    acted_at = serializers.DateTimeField(allow_null=True, help_text="When its clock stopped; null while it runs.")


class MatchReportsAnswer(serializers.Serializer[Any]):
    match_reports = MatchReportAnswer(many=True, help_text="Yours, in the order we received them; 200 at most.")
    next = ClientId(allow_null=True, help_text="`after` of the next page; null on the last one.")


class FeedbackAnswer(serializers.Serializer[Any]):
    client_id = ClientId(help_text="As you sent it.")
    entry = EntryId(help_text="As you sent it.")
    opinion = serializers.ChoiceField(choices=Opinion.values, help_text="As you sent it.")
    reason = serializers.ChoiceField(choices=["", *Reason.values], help_text="As you sent it, or empty.")
    given_at = serializers.DateTimeField(help_text="When we received it.")
    counted = serializers.BooleanField(help_text=COUNTED_HELP)
    your_feedback = YourFeedback(
        allow_null=True, help_text="Your last opinion of the entry: another one, if you repeat an earlier one."
    )


class Problem(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="`about:blank`.")
    title = serializers.CharField(help_text="The code, to read.")
    status = serializers.IntegerField(help_text="As beside it.")
    code = serializers.CharField(help_text="A stable word for programs.")
    detail = serializers.CharField(help_text="A sentence for people: what is wrong and what to do.")


class _BatchItem(serializers.Serializer[Any]):
    status = serializers.IntegerField(
        help_text="What it would have been answered with alone: 201 new, 200 sent before, 400, 404 or 409 not kept."
    )
    problem = Problem(allow_null=True, help_text="Why it was not kept; null if it was.")


class MatchReportBatchItem(_BatchItem):
    answer = MatchReportAnswer(allow_null=True, help_text="The answer it would have had alone; null if not kept.")


class FeedbackBatchItem(_BatchItem):
    answer = FeedbackAnswer(allow_null=True, help_text="The answer it would have had alone; null if not kept.")


class MatchReportBatchAnswer(serializers.Serializer[Any]):
    items = MatchReportBatchItem(many=True, help_text="One for each that you sent, in your order.")


class FeedbackBatchAnswer(serializers.Serializer[Any]):
    items = FeedbackBatchItem(many=True, help_text="One for each that you sent, in your order.")


class FeedbackGiven(serializers.Serializer[Any]):
    client_id = ClientId(help_text="As you sent it.")
    entry = EntryId(help_text="As you sent it.")
    opinion = serializers.ChoiceField(choices=Opinion.values, help_text="As you sent it.")
    reason = serializers.ChoiceField(choices=["", *Reason.values], help_text="As you sent it, or empty.")
    given_at = serializers.DateTimeField(help_text="When we received it.")
    counted = serializers.BooleanField(help_text=COUNTED_HELP)
    state = serializers.ChoiceField(choices=ENTRY_STATES, help_text=f"Where the entry is now: {STATE_HELP}")
    disputes = serializers.IntegerField(
        allow_null=True, help_text="How many independent platforms dispute the entry now; null unless you are one."
    )


class FeedbackGivenAnswer(serializers.Serializer[Any]):
    feedback = FeedbackGiven(many=True, help_text="Yours, in the order we received it; 200 at most.")
    next = ClientId(allow_null=True, help_text="`after` of the next page; null on the last one.")
