"""Every published byte of LIST.md §9."""

import json

import pytest
from fake_portal import EPOCH, ORIGIN, FakePortal, Signer, first16
from takeitdown_client import listhash, rows
from takeitdown_client.listhash import SetSum
from takeitdown_client.notes import VerifierKey, open_head


@pytest.fixture
def key(published):
    return VerifierKey.parse(published["vectors"]["verifier"])


def test_verifier_key_is_the_one_of_the_seed(published, key):
    assert (key.public.hex(), key.name) == (published["vectors"]["public key"], ORIGIN)
    assert Signer().verifier == published["vectors"]["verifier"]


@pytest.mark.parametrize(("page", "part", "position"), [
    ("page1", "head", (EPOCH, 4)), ("page1", "latest", (EPOCH, 6)),
    ("page2", "head", (EPOCH, 6)), ("page2", "latest", (EPOCH, 6)),
])  # fmt: skip
def test_heads_of_the_pages_open(published, key, page, part, position):
    head, signers = open_head(published[page][part], [key])
    assert (head.position, head.list_name, signers) == (position, "production", (key,))


def test_chain_and_set_of_both_pages(published):
    vectors = published["vectors"]
    first = listhash.first_chain(
        origin=ORIGIN, list_name="production", epoch=EPOCH, seq=0, live=0, set_hash=SetSum().set_hash()
    )
    seen, chain, total, present = {"chain 0": first, "set empty": SetSum().set_hash()}, first, SetSum(), {}
    for change in [*published["page1"]["changes"], *published["page2"]["changes"]]:
        c = rows.parse_change(change)
        chain = listhash.next_chain(chain, seq=c.seq, op=c.op, detail=c.detail, id=c.id, commitment=c.commitment)
        seen[f"chain {c.seq}"] = chain
        if c.op == rows.ADD:
            seen[f"commitment {c.seq}"] = c.commitment
        if c.id in present:
            total.take_out([present.pop(c.id).seed()])
        if c.row is not None:
            present[c.id] = c.row
            total.add([c.row.seed()])
        if c.seq in (4, 6):
            seen[f"set {c.seq}"] = total.set_hash()
    seen["chain at epoch start"] = listhash.first_chain(
        origin=ORIGIN, list_name="production", epoch=1767312000, seq=6, live=3, set_hash=total.set_hash()
    )
    strings = {name for name in vectors if name not in {"public key", "verifier", "note epoch 2"}}
    assert {name: value.hex() for name, value in seen.items()} == {name: vectors[name] for name in strings}


def test_note_of_the_second_epoch(published, key):
    head, _ = open_head(published["vectors"]["note epoch 2"], [key])
    assert (head.position, head.floor, head.live) == ((1767312000, 6), 6, 3)
    assert head.chain.hex() == published["vectors"]["chain at epoch start"]
    assert head.set_hash.hex() == published["vectors"]["set 6"]


def test_snapshot_proves_itself(published, key):
    first, *middle, last = [json.loads(line) for line in published["snapshot"]]
    head, _ = open_head(first["head"], [key])
    total = SetSum()
    total.add(rows.parse_row(row).seed() for row in middle)
    assert (total.set_hash(), len(middle), last) == (head.set_hash, head.live, {"rows": 3})


class PublishedPortal(FakePortal):
    """Serves the published pages and nothing of its own."""

    def __init__(self, published):
        super().__init__()
        self.published = published

    def page(self, after):
        if after == 6:
            head = self.published["page2"]["head"]
            return {"from_seq": 6, "changes": [], "head": head, "latest": head}
        return self.published["page1" if after == 0 else "page2"]

    def set_hash(self):
        return bytes.fromhex(self.published["vectors"]["set 6"]) if hasattr(self, "published") else super().set_hash()


def test_a_client_follows_the_published_pages(published, tmp_path):
    from fake_portal import client_of

    portal = PublishedPortal(published)
    portal.heads |= {4: "", 6: ""}
    with client_of(portal, tmp_path) as client:
        outcome = client.sync()
        assert (outcome.head.seq, outcome.pages, outcome.removed, outcome.acknowledged) == (6, 2, 1, True)
        assert client.values() == {
            first16("id1"): (2, published["page1"]["changes"][0]["value"]),
            first16("id3"): (1, "\n".join(published["page1"]["changes"][2]["value"])),
            first16("id4"): (1, None),
        }
        assert client.sync().pages == 1


def test_the_fake_portal_prints_the_published_bytes(published, portal):
    change = published["page1"]["changes"]
    portal.add(1, value=change[0]["value"])
    portal.chains and portal.tick()
    assert portal.chains[1].hex() == published["vectors"]["chain 1"]
    assert portal.commitment(portal.entries[first16("id1")]).hex() == published["vectors"]["commitment 1"]
