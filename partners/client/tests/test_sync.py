"""LIST.md §5, rule by rule, against a portal in this process."""

import json

import pytest
from fake_portal import EPOCH, NOW, FakePortal, Signer, client_of, first16, ok, pdq, problem, utc
from takeitdown_client.errors import (
    BadSnapshot,
    ClientFailure,
    Fork,
    MalformedAnswer,
    NoteRefused,
    PortalFailed,
    Rollback,
    SyncRunning,
    UnknownSigner,
    Unreachable,
)
from takeitdown_client.http import Response
from test_notes import keys_text


def publish(portal: FakePortal, *numbers: int) -> list[str]:
    ids = [portal.add(number) for number in numbers]
    portal.tick()
    return ids


def page_fault(change):
    """Alter each page with `change(page)` on its way."""

    def fault(method, name, response):
        if name != "changes" or response.status != 200:
            return None
        page = json.loads(response.content())
        return ok(change(page) or page)

    return fault


def expected(portal: FakePortal) -> dict:
    hidden = portal.withheld
    return {
        e["id"]: ({"unverified": 1, "confirmed": 2}[e["trust"]], None if e["id"] in hidden else e["value"])
        for e in portal.entries.values()
    }


# --- the plain way -------------------------------------------------------------------------------------------


def test_sync_follows_adds_updates_and_removals(portal, client):
    one, two, three = publish(portal, 1, 2, 3)
    client.sync()
    portal.update(one)
    portal.remove(two)
    portal.tick()
    outcome = client.sync()
    assert client.values() == expected(portal) == {one: (2, pdq(1)), three: (1, pdq(3))}
    assert (outcome.pages, outcome.updated, outcome.removed, outcome.snapshots) == (1, 1, 1, 0)
    assert portal.acknowledged[-1] == {"epoch": EPOCH, "seq": 5, "set": portal.set_hash().hex()}
    assert portal.requests == ["changes", "keys", "acknowledgements", "changes", "acknowledgements"]


def test_sync_of_an_empty_list(portal, client):
    assert client.sync().head.seq == 0
    publish(portal, 1)
    assert client.sync().head.seq == 1


def test_sync_reads_many_pages(portal, client):
    for number in range(30):
        publish(portal, number)
    outcome = client.sync()
    assert (outcome.pages, outcome.snapshots, client.values()) == (8, 0, expected(portal))


def test_a_long_list_begins_with_a_snapshot(portal, client, monkeypatch):
    monkeypatch.setattr("takeitdown_client.sync.SNAPSHOT_WORTH_CHANGES", 2)
    publish(portal, 1, 2, 3)
    assert (client.sync().snapshots, client.values()) == (1, expected(portal))


def test_an_entry_added_removed_and_listed_again_keeps_its_id(portal, client):
    (one,) = publish(portal, 1)
    portal.remove(one, "quarantined")
    portal.erased.clear()
    portal.add(1)
    portal.tick()
    client.sync()
    assert client.values() == {one: (1, pdq(1))}


def test_rows_of_unknown_types_are_kept_and_counted(portal, client):
    portal.add(1, type="tlsh", value="T1ABCDEF")
    portal.add(2, type="newpdq", value=["a", "b"])
    portal.tick()
    client.sync()
    assert client.values() == expected(portal) | {first16("id2"): (1, "a\nb")}


def test_members_not_known_are_ignored(portal, client):
    publish(portal, 1)
    portal.fault = page_fault(lambda page: {**page, "x": 1, "changes": [{**c, "y": [2]} for c in page["changes"]]})
    client.sync()
    assert client.values() == expected(portal)


def test_two_syncs_at_once_are_refused(portal, client):
    publish(portal, 1)
    with client.store.sync_lock(), pytest.raises(SyncRunning):
        client.sync()


# --- rule 1: who signs ---------------------------------------------------------------------------------------


def test_a_head_of_another_list_is_refused(portal, tmp_path):
    publish(portal, 1)
    with client_of(portal, tmp_path, list_name="sandbox-abc") as client:
        with pytest.raises(NoteRefused, match="another list"):
            client.sync()
        assert (client.values(), client.kinds()) == ({}, ["note_refused"])


def test_a_head_signed_by_an_unknown_key_is_refused(portal, client):
    publish(portal, 1)
    client.sync()
    before, portal.signer = client.values(), Signer(b"\x09" * 32)
    publish(portal, 2)
    with pytest.raises(UnknownSigner):
        client.sync()
    assert (client.values(), client.kinds()) == (before, ["note_refused"])


def test_new_keys_are_learnt_from_a_note_a_pinned_key_signed(portal, client):
    old, new = portal.signer, Signer(b"\x09" * 32)
    publish(portal, 1)
    client.sync()
    portal.keys_note = old.note(keys_text(old, new))
    portal.signer = new
    publish(portal, 2)
    client.sync()
    assert client.values() == expected(portal)
    assert {period.key.text for period in client.store.key_periods()} == {old.verifier, new.verifier}


def test_new_keys_are_not_learnt_from_anybody_else(portal, client):
    new = Signer(b"\x09" * 32)
    publish(portal, 1)
    client.sync()
    portal.keys_note, portal.signer = new.note(keys_text(new)), new
    publish(portal, 2)
    with pytest.raises(UnknownSigner):
        client.sync()


def test_a_retired_key_signs_nothing_new(portal, client):
    old, new = portal.signer, Signer(b"\x09" * 32)
    portal.keys_note = old.note(keys_text(old, until=NOW + 10) + keys_text(new).split("\n", 2)[2])
    publish(portal, 1)
    client.sync()
    portal.now += 100
    publish(portal, 2)
    with pytest.raises(NoteRefused, match="retired"):
        client.sync()
    portal.signer = new
    portal.tick()
    client.sync()
    portal.signer, portal.now = old, NOW  # an old key cannot pretend that it is still yesterday
    publish(portal, 3)
    with pytest.raises(UnknownSigner):
        client.sync()


# --- rule 2: rollback and fork -------------------------------------------------------------------------------


def test_rollback_is_refused_and_its_notes_are_kept(portal, client):
    publish(portal, 1)
    old_note = portal.latest
    publish(portal, 2)
    client.sync()
    before, newest = client.values(), portal.latest
    del portal.heads[2]
    with pytest.raises(Rollback):
        client.sync()
    (alarm,) = client.store.alarms()
    assert (alarm.kind, alarm.evidence, client.values()) == ("rollback", (newest, old_note), before)
    portal.heads[2] = newest
    client.sync()
    assert client.kinds() == ["rollback"]  # it stays until a person has seen it


def test_rollback_below_a_head_only_seen_is_refused(portal, client):
    """What was seen counts, not only what was applied."""
    publish(portal, 1)
    publish(portal, 2)
    empty = page_fault(lambda page: {**page, "changes": []})
    portal.fault = lambda m, n, r: problem(503, "ill") if n == "snapshot" else empty(m, n, r)
    with pytest.raises(PortalFailed):
        client.sync()
    assert client.values() == {}
    portal.fault = None
    del portal.heads[2]
    with pytest.raises(Rollback):
        client.sync()


def test_an_old_epoch_is_a_rollback(portal, client):
    publish(portal, 1)
    client.sync()
    client.store.remember_head(client.store.highest())
    portal.new_epoch(EPOCH + 100)
    client.sync()
    portal.new_epoch(EPOCH + 50)
    with pytest.raises(Rollback):
        client.sync()


def test_a_larger_epoch_with_a_smaller_number_is_not_a_rollback(portal, client):
    publish(portal, 1, 2, 3)
    client.sync()
    restored = FakePortal()
    publish(restored, 1)
    restored.new_epoch(EPOCH + 100)
    portal.__dict__.update({k: v for k, v in restored.__dict__.items() if k != "requests"})
    outcome = client.sync()
    assert (outcome.snapshots, client.values(), client.kinds()) == (1, expected(portal), [])


def test_fork_at_the_newest_head_is_refused_and_its_notes_are_kept(portal, client):
    publish(portal, 1)
    client.sync()
    before, mine = client.values(), portal.latest
    portal.heads[1] = portal.sign(1, set="00" * 32)
    with pytest.raises(Fork):
        client.sync()
    (alarm,) = client.store.alarms()
    assert (alarm.kind, alarm.evidence, client.values()) == ("fork", (mine, portal.heads[1]), before)


def test_fork_at_a_closing_head_is_refused(portal, client):
    publish(portal, 1)
    client.sync()
    publish(portal, 2)
    client.store.remember_head(client.synchroniser.open_head(portal.latest))
    portal.heads[2] = portal.sign(2, chain="00" * 32)
    publish(portal, 3)
    portal.page_batches = 1
    with pytest.raises(Fork):
        client.sync()


def test_a_statement_signed_anew_is_no_fork(portal, client):
    publish(portal, 1)
    client.sync()
    portal.now += 60
    portal.tick()
    client.sync()
    assert client.kinds() == []


# --- rule 3: what a page must prove --------------------------------------------------------------------------


def swapped(page):
    """Two changes change places and numbers: same rows, same set, another history."""
    first, second, *rest = page["changes"]
    page["changes"] = [{**second, "seq": first["seq"]}, {**first, "seq": second["seq"]}, *rest]


BAD_PAGES = {
    "swapped": swapped,
    "gap": lambda page: page["changes"].pop(1) and None,
    "first missing": lambda page: page["changes"].pop(0) and None,
    "last missing": lambda page: page["changes"].pop() and None,
    "twice": lambda page: page["changes"].append({**page["changes"][-1], "seq": page["changes"][-1]["seq"] + 1}),
    "other value": lambda page: page["changes"][0].update(value=pdq(99)),
    "other trust": lambda page: page["changes"][0].update(trust="confirmed"),
    "other nonce": lambda page: page["changes"][0].update(nonce="00" * 16),
    "update for add": lambda page: page["changes"][0].update(op="update"),
    "remove of a stranger": lambda page: page["changes"][-1].update(op="remove", reason="removed", commitment="0" * 64),
    "empty": lambda page: page.update(changes=[]),
    "unknown op": lambda page: page["changes"][0].update(op="rename"),
    "true for 1": lambda page: page["changes"][0].update(seq=True),
    "upper case": lambda page: page["changes"][0].update(id=page["changes"][0]["id"].upper()),
    "no nonce": lambda page: page["changes"][0].pop("nonce") and None,
    "head by nobody": lambda page: page.update(head=page["head"][:-10] + "AAAAAAAA=\n"),
}


@pytest.mark.parametrize("name", BAD_PAGES)
def test_a_bad_page_is_dropped_and_healed_by_a_snapshot(portal, client, name):
    publish(portal, 1)
    client.sync()
    publish(portal, 2, 3, 4)
    portal.requests.clear()
    portal.fault = page_fault(BAD_PAGES[name])
    outcome = client.sync()
    assert (client.values(), outcome.snapshots, outcome.acknowledged) == (expected(portal), 1, True)
    assert portal.requests == ["changes", "snapshot", "acknowledgements"]


@pytest.mark.parametrize("name", BAD_PAGES)
def test_without_a_snapshot_a_bad_page_changes_nothing(portal, client, name):
    publish(portal, 1)
    client.sync()
    before = client.values()
    publish(portal, 2, 3, 4)
    spoil = page_fault(BAD_PAGES[name])
    portal.fault = lambda m, n, r: problem(503, "ill") if n == "snapshot" else spoil(m, n, r)
    with pytest.raises(PortalFailed):
        client.sync()
    assert (client.values(), client.kinds()) == (before, ["bad_page", "resync_failed"])
    portal.fault = None
    client.sync()
    assert (client.values(), client.kinds()) == (expected(portal), [])


def test_an_add_of_a_row_that_is_here_is_an_error(portal, client):
    """Signed and chained all right: only the rule about presence sees it."""
    (one,) = publish(portal, 1)
    client.sync()
    portal._change("add", portal.entries[one])
    portal._lanes(portal.entries[one], -1)
    portal.tick()
    assert client.sync().snapshots == 1


def test_a_rotten_row_shows_in_the_set_hash(portal, client):
    one, two = publish(portal, 1, 2)
    client.sync()
    client.store._db.execute("UPDATE rows SET trust = 2 WHERE id = ?", (bytes.fromhex(one),))
    portal.remove(one)
    portal.tick()
    outcome = client.sync()
    assert (outcome.snapshots, client.values()) == (1, {two: (1, pdq(2))})


def test_a_rotten_row_nobody_touches_shows_in_the_daily_check(portal, tmp_path):
    moment = [NOW]
    with client_of(portal, tmp_path, clock=lambda: moment[0]) as client:
        one, _ = publish(portal, 1, 2)
        client.sync()
        moment[0] += 90_000
        client.sync()
        client.store._db.execute("UPDATE rows SET value = ? WHERE id = ?", (pdq(7), bytes.fromhex(one)))
        moment[0] += 3600
        assert client.sync().snapshots == 0
        moment[0] += 90_000
        assert (client.sync().snapshots, client.values()) == (1, expected(portal))
        assert "local_damage" in client.kinds()


@pytest.mark.parametrize("sql", [
    "UPDATE copy SET sum = x'00'", "UPDATE copy SET sum = zeroblob(2048)", "UPDATE copy SET head = 'rot'",
    "DELETE FROM rows", "UPDATE rows SET trust = 9", "UPDATE rows SET commitment = x'00'",
])  # fmt: skip
def test_a_rotten_database_is_healed_by_a_snapshot(portal, client, sql):
    one, _ = publish(portal, 1, 2)
    client.sync()
    client.store._db.execute(sql)
    portal.update(one)
    portal.tick()
    assert (client.sync().snapshots, client.values()) == (1, expected(portal))


def test_an_answer_to_an_older_question_is_asked_again_without_a_snapshot(portal, client):
    publish(portal, 1)
    client.sync()
    publish(portal, 2)
    stray = [ok(portal.page(0))]
    portal.fault = lambda m, n, r: stray.pop() if n == "changes" and stray else None
    outcome = client.sync()
    assert (outcome.snapshots, client.values()) == (0, expected(portal))


def test_a_cut_answer_is_no_reason_for_a_snapshot(portal, client):
    publish(portal, 1)
    portal.fault = lambda m, n, r: Response(200, {}, r.content()[:-7]) if n == "changes" else None
    with pytest.raises(MalformedAnswer):
        client.sync()
    assert "snapshot" not in portal.requests


def test_a_page_cut_by_length_is_no_reason_for_a_snapshot(portal, client):
    publish(portal, 1)
    portal.fault = lambda m, n, r: Response(200, {"Content-Length": "99999"}, r.content()) if n == "changes" else None
    with pytest.raises(Unreachable):
        client.sync()


def test_flipped_bytes_of_a_page_never_change_what_is_stored(published, tmp_path):
    """Every byte of a rendered page, two flips each.

    What may pass: the number after `min_wait_seconds` and that member's name (not signed: it only says when to come
    again), and a space of the JSON turned into nothing that matters. Nothing else.
    """
    portal = FakePortal()
    for number in range(3):
        portal.add(number)
    portal.withheld.add(portal.add(3))
    portal.tick()
    raw = json.dumps(portal.page(0), separators=(",", ":")).encode()
    waits = raw.index(b'"min_wait_seconds"')
    with client_of(portal, tmp_path) as client:
        client.sync()
        good = client.values()
        synchroniser, passed = client.synchroniser, []
        from takeitdown_client import rows
        from takeitdown_client.store import Copy, SetSum

        latest = synchroniser.open_head(portal.latest)
        client.store._db.execute("DELETE FROM rows")
        for place in range(len(raw)):
            for mask in (0x01, 0x20):
                flipped = bytearray(raw)
                flipped[place] ^= mask
                try:
                    page = rows.parse_page(rows.loads(bytes(flipped)))
                    synchroniser.open_head(page.latest)
                    proven = synchroniser.prove(page, Copy("rows", None, SetSum()), latest)
                except ClientFailure:
                    continue
                assert {row.id.hex(): (row.trust, row.value) for row in proven.put} == good
                passed.append(place)
    assert passed
    assert min(passed) >= waits


# --- rule 4: withheld ----------------------------------------------------------------------------------------


def test_a_withheld_update_keeps_the_value_when_the_commitment_is_the_same(portal, client):
    (one,) = publish(portal, 1)
    client.sync()
    portal.withheld.add(one)
    portal.update(one)
    portal.tick()
    client.sync()
    assert client.values() == {one: (2, pdq(1))}


def test_a_withheld_update_with_another_commitment_drops_the_value(portal, client):
    (one,) = publish(portal, 1)
    client.sync()
    portal.withheld.add(one)
    entry = portal.entries[one]
    portal._lanes(entry, -1)
    changed = {**entry, "nonce": "11" * 16}
    portal._change("update", {**changed, "commitment": portal.commitment(changed).hex()})
    portal.tick()
    client.sync()
    assert client.values() == {one: (1, None)}
    assert client.sync().snapshots == 0


def test_an_update_that_lifts_a_row_over_the_trust_floor_shows_its_value(portal, client):
    portal.withheld.add(portal.add(1))
    portal.tick()
    client.sync()
    portal.withheld.clear()
    portal.update(first16("id1"))
    portal.tick()
    client.sync()
    assert client.values() == {first16("id1"): (2, pdq(1))}


def test_withheld_rows_differ_between_platforms_and_the_set_does_not(portal, client, other_client):
    (one,) = publish(portal, 1)
    client.sync()
    portal.withheld.add(one)
    other_client.sync()
    assert (client.values()[one][1], other_client.values()[one][1]) == (pdq(1), None)
    assert portal.acknowledged[0] == portal.acknowledged[1]


def test_the_value_of_a_removed_row_is_gone_from_the_disk_at_once(portal, client):
    one, _ = publish(portal, 1, 2)
    client.sync()

    def on_disk(text):
        return [p.name for p in client.store.directory.iterdir() if text.encode() in p.read_bytes()]

    assert on_disk(pdq(1)) == ["list.sqlite3"]  # the search can find
    portal.remove(one)
    portal.tick()
    client.sync()
    assert (on_disk(pdq(1)), on_disk(pdq(2))) == ([], ["list.sqlite3"])


def test_the_value_of_a_row_absent_from_a_snapshot_is_gone_from_the_disk(portal, client):
    one, _ = publish(portal, 1, 2)
    client.sync()
    portal.remove(one)
    portal.tick()
    portal.new_epoch(EPOCH + 100)
    client.sync()
    names = [p.name for p in client.store.directory.iterdir() if pdq(1).encode() in p.read_bytes()]
    assert (names, client.values()) == ([], expected(portal))


# --- resync --------------------------------------------------------------------------------------------------


def other_epoch(portal):
    portal.new_epoch(EPOCH + 100)


def below_floor(portal):
    publish(portal, 5)
    portal.raise_floor()


def unknown_position(portal):
    publish(portal, 5)
    del portal.heads[2]


@pytest.mark.parametrize("reason", [other_epoch, below_floor, unknown_position])
def test_each_reason_to_resync_is_healed_in_three_requests(portal, client, reason):
    publish(portal, 1, 2)
    client.sync()
    reason(portal)
    portal.requests.clear()
    outcome = client.sync()
    assert (outcome.snapshots, client.values(), client.kinds()) == (1, expected(portal), [])
    assert portal.requests == ["changes", "snapshot", "acknowledgements"]


def test_a_resync_whose_latest_is_a_rollback_is_refused(portal, client):
    publish(portal, 1, 2)
    client.sync()
    before = client.values()
    portal.new_epoch(EPOCH - 100)
    with pytest.raises(Rollback):
        client.sync()
    assert (client.values(), portal.requests.count("snapshot")) == (before, 0)


def test_an_old_snapshot_is_brought_up_to_date_before_it_is_used(portal, client):
    one, _ = publish(portal, 1, 2)
    portal.take_snapshot()
    portal.remove(one)
    portal.tick()
    client.sync()
    seen = []
    client.synchroniser.at = lambda point: seen.append((point, one in client.values()))
    client.store._db.execute("UPDATE copy SET sum = zeroblob(2048)")
    publish(portal, 3)
    client.sync()
    assert client.values() == expected(portal)
    assert {had for _, had in seen} == {False}  # the withdrawn row never came back, not for a moment


def test_a_snapshot_of_an_ended_epoch_is_refused(portal, client):
    publish(portal, 1, 2)
    portal.take_snapshot()
    old = portal.snapshot_at
    client.sync()
    before = client.values()
    portal.new_epoch(EPOCH + 100)
    portal.snapshot_at = old
    with pytest.raises(BadSnapshot, match="epoch"):
        client.sync()
    assert (client.values(), client.kinds()) == (before, ["resync_failed"])


# --- rule 6: time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "kinds"), [
    (0, []), (86_000, []), (-90, []), (90_000, ["expired"]), (-600, ["future"]), (8 * 86_400, ["expired", "stale"]),
    (-86_400, ["future"]),
])  # fmt: skip
def test_a_wrong_clock_alarms_and_refuses_nothing(portal, tmp_path, shift, kinds):
    publish(portal, 1)
    with client_of(portal, tmp_path, clock=lambda: NOW + shift) as client:
        client.sync()
        assert (client.values(), client.kinds()) == (expected(portal), kinds)


def test_a_fresh_head_ends_the_alarm(portal, tmp_path):
    moment = [NOW + 8 * 86_400]
    publish(portal, 1)
    with client_of(portal, tmp_path, clock=lambda: moment[0]) as client:
        client.sync()
        assert client.kinds() == ["expired", "stale"]
        portal.now = moment[0]
        portal.tick()
        client.sync()
        assert client.kinds() == []


def test_an_unreachable_portal_goes_stale_after_seven_days(portal, tmp_path):
    moment = [NOW]
    publish(portal, 1)
    with client_of(portal, tmp_path, clock=lambda: moment[0]) as client:
        client.sync()
        portal.fault = lambda m, n, r: problem(503, "ill")
        for days, kinds in ((6, []), (7, ["stale"])):
            moment[0] = NOW + days * 86_400
            with pytest.raises(PortalFailed):
                client.sync()
            assert client.kinds() == kinds


# --- rule 8: acknowledgements --------------------------------------------------------------------------------


def test_told_that_it_differs_a_client_takes_a_snapshot_and_says_it_again(portal, client):
    publish(portal, 1)
    lie = [problem(409, "diverged")]
    portal.fault = lambda m, n, r: lie.pop() if n == "acknowledgements" and lie else None
    outcome = client.sync()
    assert (outcome.snapshots, outcome.acknowledged, client.kinds()) == (1, True, ["diverged"])


def test_an_acknowledgement_that_is_not_heard_is_said_again(portal, client):
    publish(portal, 1)
    portal.fault = lambda m, n, r: problem(503, "ill") if n == "acknowledgements" else None
    assert not client.sync().acknowledged
    portal.fault = None
    assert client.sync().acknowledged


def test_now_is_the_time_of_the_vectors():
    assert utc(NOW) == "2026-03-04T10:11:12Z"
