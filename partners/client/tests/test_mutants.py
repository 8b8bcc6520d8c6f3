"""Clients with one rule taken away. Each must be caught by a scene that the whole client passes."""

import pytest
from fake_portal import EPOCH, client_of, pdq
from takeitdown_client.errors import ClientFailure
from takeitdown_client.sync import Synchroniser
from test_crash import Crash, crash_at
from test_sync import expected, page_fault, publish, swapped


class NoChainCheck(Synchroniser):
    def check_chain(self, chain, head):
        pass


class NoSetCheck(Synchroniser):
    def check_set(self, sum, head):
        pass


class NoLiveCheck(Synchroniser):
    def check_live(self, live, head):
        pass


class NoRollbackCheck(Synchroniser):
    def check_rollback(self, latest):
        pass


class NoForkCheck(Synchroniser):
    def check_fork(self, head):
        pass


class NoListCheck(Synchroniser):
    def check_list(self, head):
        pass


class NoPresenceCheck(Synchroniser):
    def check_presence(self, change, old):
        pass


class WithheldMeansGone(Synchroniser):
    def keep_value(self, old, new):
        return new


class CursorFirst(Synchroniser):
    def store_page(self, copy, proven):
        with self.store.transaction():
            self.store.write_copy(proven.head, proven.sum)
        self.at("rows_written")
        with self.store.transaction():
            self.store.write_rows(copy.table, gone=proven.gone, put=proven.put)


class NoAcknowledgement(Synchroniser):
    def send_acknowledgement(self):
        pass


class AcknowledgesTheHead(Synchroniser):
    def send_acknowledgement(self):
        head = self.store.copy().head
        self.portal.acknowledge(epoch=head.epoch, seq=head.seq, set_hash=head.set_hash)


class RefusesExpired(Synchroniser):
    def check_times(self, latest):
        if self.clock() > latest.expires:
            raise ClientFailure("expired")


class KeepsRemoved(Synchroniser):
    def prove(self, page, copy, latest):
        proven = super().prove(page, copy, latest)
        proven.gone.clear()
        return proven


def scene_swapped(portal, client):
    """The same rows by another history."""
    publish(portal, 1, 2)
    portal.fault = page_fault(swapped)
    assert client.sync().snapshots == 1


def scene_rotten(portal, client):
    one, _ = publish(portal, 1, 2)
    client.sync()
    client.store._db.execute("UPDATE rows SET trust = 2 WHERE id = ?", (bytes.fromhex(one),))
    portal.update(one)
    portal.tick()
    assert (client.sync().snapshots, client.kinds()) == (1, [])  # found here, not only by the acknowledgement


def scene_signed_live_is_wrong(portal, client):
    publish(portal, 1)
    portal.heads[1] = portal.sign(1, live=2)
    with pytest.raises(ClientFailure):
        client.sync()


def scene_rollback(portal, client):
    publish(portal, 1)
    publish(portal, 2)
    client.sync()
    del portal.heads[2]
    portal.fault = page_fault(lambda page: portal.page(1) | {"from_seq": 2, "head": portal.heads[1]})
    with pytest.raises(ClientFailure):
        client.sync()
    assert client.kinds() == ["rollback"]


def scene_fork(portal, client):
    publish(portal, 1)
    client.sync()
    portal.heads[1] = portal.sign(1, chain="00" * 32)
    with pytest.raises(ClientFailure):
        client.sync()
    assert client.kinds() == ["fork"]


def scene_other_list(portal, client):
    portal.list_name = "sandbox-abc"
    portal.chains = {0: portal._epoch_chain()}
    publish(portal, 1)
    with pytest.raises(ClientFailure):
        client.sync()
    assert client.values() == {}


def scene_add_again(portal, client):
    (one,) = publish(portal, 1)
    client.sync()
    portal._lanes(portal.entries[one], -1)
    portal._change("add", {**portal.entries[one], "trust": "confirmed"})
    portal.tick()
    assert client.sync().snapshots == 1


def scene_withheld(portal, client):
    (one,) = publish(portal, 1)
    client.sync()
    portal.withheld.add(one)
    portal.update(one)
    portal.tick()
    client.sync()
    assert client.values() == {one: (2, pdq(1))}


def scene_crash(portal, client):
    publish(portal, 1)
    client.synchroniser.at = crash_at("rows_written")
    with pytest.raises(Crash):
        client.sync()
    client.synchroniser.at = lambda point: None
    assert (client.sync().snapshots, client.values()) == (0, expected(portal))


def scene_acknowledged(portal, client):
    publish(portal, 1)
    client.sync()
    assert portal.acknowledged == [{"epoch": EPOCH, "seq": 1, "set": portal.set_hash().hex()}]


def scene_acknowledges_what_it_has(portal, client):
    publish(portal, 1)
    client.sync()
    client.store._db.execute("UPDATE copy SET sum = zeroblob(2048)")
    with pytest.raises(ClientFailure):
        client.synchroniser.send_acknowledgement()


def scene_expired(portal, client):
    publish(portal, 1)
    client.synchroniser.clock = lambda: portal.now + 90_000
    client.sync()
    assert client.values() == expected(portal)


def scene_removed(portal, client):
    one, _ = publish(portal, 1, 2)
    client.sync()
    portal.remove(one)
    portal.tick()
    client.sync()
    assert client.values() == expected(portal)


KILLS = [
    (NoChainCheck, scene_swapped), (NoSetCheck, scene_rotten), (NoLiveCheck, scene_signed_live_is_wrong),
    (NoRollbackCheck, scene_rollback), (NoForkCheck, scene_fork), (NoListCheck, scene_other_list),
    (NoPresenceCheck, scene_add_again), (WithheldMeansGone, scene_withheld), (CursorFirst, scene_crash),
    (NoAcknowledgement, scene_acknowledged), (AcknowledgesTheHead, scene_acknowledges_what_it_has),
    (RefusesExpired, scene_expired), (KeepsRemoved, scene_removed),
]  # fmt: skip


@pytest.mark.parametrize(("mutant", "scene"), KILLS, ids=lambda value: value.__name__)
def test_a_client_without_the_rule_is_caught(portal, tmp_path, mutant, scene):
    with client_of(portal, tmp_path / "whole") as client:
        scene(portal, client)
    fresh = type(portal)()
    with (
        client_of(fresh, tmp_path / "mutant", kind=mutant) as client,
        pytest.raises((AssertionError, ClientFailure, pytest.fail.Exception)),
    ):
        scene(fresh, client)
