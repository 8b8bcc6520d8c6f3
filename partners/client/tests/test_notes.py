import base64

import pytest
from fake_portal import ORIGIN, Signer, utc
from takeitdown_client.errors import NoteRefused, UnknownSigner
from takeitdown_client.notes import VerifierKey, open_head, open_keys, open_note, parse_head

MINE, STRANGER = Signer(), Signer(b"\x07" * 32)
KEY = VerifierKey.parse(MINE.verifier)


def test_every_flipped_bit_of_a_head_is_refused(published):
    note = published["page2"]["head"].encode()
    survivors = []
    for place in range(len(note)):
        for bit in range(8):
            flipped = bytearray(note)
            flipped[place] ^= 1 << bit
            try:
                open_head(flipped.decode(), [KEY])
            except (NoteRefused, UnicodeDecodeError):
                continue
            survivors.append((place, bit))
    assert survivors == []


def test_every_cut_of_a_head_is_refused(published):
    note = published["page2"]["head"]
    for end in range(len(note)):
        with pytest.raises(NoteRefused):
            open_head(note[:end], [KEY])


def test_a_thousand_other_signatures_change_nothing(published):
    note = published["page2"]["head"]
    others = "".join(Signer(i.to_bytes(32, "big"), name=f"witness{i}.example").line("x") for i in range(1000))
    assert open_head(note + others, [KEY])[0].seq == 6
    cut = note.rindex("— ")
    assert open_head(note[:cut] + others + note[cut:], [KEY])[0].seq == 6


def test_a_note_by_a_stranger_does_not_count(portal):
    portal.signer = STRANGER
    with pytest.raises(UnknownSigner):
        open_head(portal.sign(0), [KEY])


def test_a_stranger_with_my_name_and_key_id_does_not_count(portal):
    text = portal.text(0)
    forged = MINE.id + STRANGER.key.sign(text.encode())
    with pytest.raises(NoteRefused, match="wrong"):
        open_note(f"{text}\n— {ORIGIN} {base64.b64encode(forged).decode()}\n", [KEY])


def test_a_wrong_signature_in_my_name_is_not_outweighed_by_a_good_one(portal):
    note = portal.sign(0)
    forged = base64.b64encode(MINE.id + bytes(64)).decode()
    with pytest.raises(NoteRefused, match="wrong"):
        open_note(note + f"— {ORIGIN} {forged}\n", [KEY])


@pytest.mark.parametrize("spoil", [
    lambda n: n.replace("=\n", "\n"), lambda n: n[:-1], lambda n: n + "\n", lambda n: n.replace("\n\n", "\n"),
    lambda n: n.replace("— ", "- "), lambda n: n.replace("— ", "—  "), lambda n: n.replace("=\n", "= \n"),
    lambda n: n.replace("tid-head/1", "tid-head/1\r"), lambda n: n + "— x\n", lambda n: "\ud800" + n,
])  # fmt: skip
def test_a_note_has_one_spelling(portal, spoil):
    note = portal.sign(0)
    assert spoil(note) != note
    with pytest.raises(NoteRefused):
        open_note(spoil(note), [KEY])


def test_base64_with_stray_bits_is_refused(portal):
    note = portal.sign(0)
    body = note.rstrip("\n")
    assert body.endswith("=")
    last = body[-2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = alphabet[alphabet.index(last) + 1]
    with pytest.raises(NoteRefused):
        open_note(f"{body[:-2]}{stray}=\n", [KEY])


@pytest.mark.parametrize(("line", "instead"), [
    (0, "tid-head/2"), (1, "portal.example"), (1, "portal.example  production"), (2, "epoch 01"), (2, "epoch -1"),
    (2, "epoch +1"), (2, "epoch 1e3"), (2, "epoch ١"), (2, "epoch 9223372036854775808"), (3, "seq"), (3, "SEQ 1"),
    (4, "chain " + "A" * 64), (4, "chain " + "a" * 63), (5, "set 00"), (6, "live 1 "), (7, "floor 0x0"),
    (8, "issued 2026-03-04 10:11:12Z"), (8, "issued 2026-02-30T10:11:12Z"), (9, "expires 2026-03-04T10:11:12+00:00"),
    (10, "audit 0"), (10, "audit 0 " + "0" * 65),
])  # fmt: skip
def test_a_head_has_one_spelling(portal, line, instead):
    lines = portal.text(0).split("\n")
    parse_head("", "\n".join(lines))
    lines[line] = instead
    with pytest.raises(NoteRefused):
        parse_head("", "\n".join(lines))


@pytest.mark.parametrize("text", [
    "", "portal.example", "portal.example+3acc4347", MINE.verifier.replace("3acc4347", "3acc4348"),
    MINE.verifier[:-1], MINE.verifier.replace("+AQ", "+Ag"), "other.example" + MINE.verifier[len(ORIGIN) :],
])  # fmt: skip
def test_a_mistyped_verifier_key_is_refused(text):
    with pytest.raises(NoteRefused):
        VerifierKey.parse(text)


def keys_text(*signers: Signer, origin: str = ORIGIN, until: int = 2_000_000_000) -> str:
    return f"tid-keys/1\n{origin}\n" + "".join(f"key {s.verifier} from {utc(0)} until {utc(until)}\n" for s in signers)


def test_keys_note_lists_keys_with_their_ends():
    periods = open_keys(MINE.note(keys_text(MINE, STRANGER)), [KEY], origin=ORIGIN)
    assert [(p.key.text, p.until) for p in periods] == [
        (MINE.verifier, 2_000_000_000),
        (STRANGER.verifier, 2_000_000_000),
    ]


@pytest.mark.parametrize("note", [
    STRANGER.note(keys_text(STRANGER)), MINE.note(keys_text(MINE, origin="other.example")),
    MINE.note(keys_text(Signer(name="other.example"))), MINE.note(keys_text(MINE).replace("until", "till")),
    MINE.note("tid-keys/1\nportal.example\n\n"),
])  # fmt: skip
def test_keys_note_that_does_not_count(note):
    with pytest.raises(NoteRefused):
        open_keys(note, [KEY], origin=ORIGIN)
