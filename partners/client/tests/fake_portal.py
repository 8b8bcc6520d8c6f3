"""A portal in this process: signs with the vectors' seed, serves pages and snapshots, takes faults.

It is written from LIST.md, shares no line with the client, and sums the set's lanes one by one.
"""

import base64
import gzip
import hashlib
import json
import struct
from datetime import UTC, datetime
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from takeitdown_client.http import Response
from takeitdown_client.notes import VerifierKey
from takeitdown_client.portal import Portal
from takeitdown_client.store import Store
from takeitdown_client.sync import Synchroniser

ORIGIN = "portal.example"
EPOCH = 1767225600
NOW = 1772619072  # 2026-03-04T10:11:12Z, as the vectors
OPS = {"add": 1, "update": 2, "remove": 3}
DETAILS = {"unverified": 1, "confirmed": 2, "withdrawn": 1, "quarantined": 2, "removed": 3}


class Signer:
    def __init__(self, seed: bytes = bytes(range(32)), name: str = ORIGIN):
        self.key, self.name = Ed25519PrivateKey.from_private_bytes(seed), name
        raw = b"\x01" + self.key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        self.verifier = f"{name}+{self.id.hex()}+{base64.b64encode(raw).decode()}"

    def line(self, text: str) -> str:
        return f"— {self.name} {base64.b64encode(self.id + self.key.sign(text.encode())).decode()}\n"

    def note(self, text: str) -> str:
        return text + "\n" + self.line(text)


def first16(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def pdq(number: int) -> str:
    """A plausible PDQ: 128 one bits."""
    half = int.from_bytes(hashlib.sha256(f"pdq{number}".encode()).digest()[:16], "big")
    return f"{half:032x}{half ^ (2**128 - 1):032x}"


def utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FakePortal:
    """`add`, `update`, `remove` put changes down; `tick` signs them as one batch. `requests` is the log of calls.

    `fault(method, path, response)` may return another response, raise, or None to leave it.
    """

    def __init__(self, *, list_name: str = "production", epoch: int = EPOCH, signer: Signer | None = None):
        self.signer, self.list_name, self.epoch, self.now = signer or Signer(), list_name, epoch, NOW
        self.extra_lines = ""
        self.entries: dict[str, dict] = {}
        self.lanes = [0] * 1024
        self.log: list[dict] = []
        self.base = 0  # seq at which the epoch began
        self.chains = {0: self._epoch_chain()}
        self.heads = {0: None}
        self.heads[0] = self.sign(0)
        self.floor = 0
        self.page_batches = 4
        self.withheld: set[str] = set()
        self.erased: set[str] = set()
        self.requests: list[str] = []
        self.acknowledged: list[dict] = []
        self.posted: dict[str, dict] = {}
        self.fault = None
        self.keys_note: str | None = None
        self.snapshot_at: tuple[bytes, str] | None = None

    # --- arithmetic, lane by lane ---

    def commitment(self, e: dict) -> bytes:
        def n(s: str) -> bytes:
            return bytes([len(s)]) + s.encode()

        value = "\n".join(e["value"]) if isinstance(e["value"], list) else e["value"]
        body = bytes.fromhex(e["nonce"]) + n(e["type"]) + n(e["media"]) + value.encode()
        return hashlib.sha256(b"tid-commitment/1\n" + body).digest()

    def _lanes(self, e: dict, sign: int) -> None:
        seed = bytes.fromhex(e["id"]) + bytes([DETAILS[e["trust"]]]) + bytes.fromhex(e["commitment"])
        member = struct.unpack("<1024H", hashlib.shake_128(b"tid-member/1\n" + seed).digest(2048))
        self.lanes = [(a + sign * b) % 65536 for a, b in zip(self.lanes, member, strict=True)]

    def set_hash(self) -> bytes:
        return hashlib.sha256(b"tid-set/1\n" + struct.pack("<1024H", *self.lanes)).digest()

    def _epoch_chain(self) -> bytes:
        def n(s: str) -> bytes:
            return bytes([len(s)]) + s.encode()

        numbers = struct.pack(">QQQ", self.epoch, self.base, len(self.entries))
        return hashlib.sha256(b"tid-epoch/1\n" + n(ORIGIN) + n(self.list_name) + numbers + self.set_hash()).digest()

    # --- writing ---

    @property
    def seq(self) -> int:
        return self.base + len(self.log)

    def add(self, number: int, *, type: str = "pdq", media: str = "image", value=None) -> str:
        e = {"id": first16(f"id{number}"), "trust": "unverified", "type": type, "media": media}
        e |= {"value": value or pdq(number), "nonce": first16(f"nonce{number}")}
        e["commitment"] = self.commitment(e).hex()
        self._change("add", e)
        return e["id"]

    def update(self, id: str, trust: str = "confirmed") -> None:
        old = self.entries[id]
        self._lanes(old, -1)
        self._change("update", {**old, "trust": trust})

    def remove(self, id: str, reason: str = "withdrawn") -> None:
        e = self.entries.pop(id)
        self._lanes(e, -1)
        self.erased.add(id)
        self._link({"op": "remove", "id": id, "reason": reason, "commitment": e["commitment"]}, DETAILS[reason])

    def _change(self, op: str, e: dict) -> None:
        self.entries[e["id"]] = e
        self._lanes(e, 1)
        self._link({"op": op, **e}, DETAILS[e["trust"]])

    def _link(self, change: dict, detail: int) -> None:
        seq = self.seq + 1
        link = struct.pack(">QBB", seq, OPS[change["op"]], detail) + bytes.fromhex(change["id"] + change["commitment"])
        self.chains[seq] = hashlib.sha256(b"tid-change/1\n" + self.chains[seq - 1] + link).digest()
        self.log.append({"seq": seq, **change})

    def tick(self) -> str:
        self.heads[self.seq] = self.sign(self.seq)
        return self.heads[self.seq]

    def text(self, seq: int, **instead) -> str:
        lines = {
            "epoch": self.epoch, "seq": seq, "chain": self.chains[seq].hex(), "set": self.set_hash().hex(),
            "live": len(self.entries), "floor": getattr(self, "floor", 0), "issued": utc(self.now),
            "expires": utc(self.now + 86400), "audit": "0 " + "0" * 64,
        } | instead  # fmt: skip
        return f"tid-head/1\n{ORIGIN} {self.list_name}\n" + "".join(f"{k} {v}\n" for k, v in lines.items())

    def sign(self, seq: int, **instead) -> str:
        return self.signer.note(self.text(seq, **instead)) + self.extra_lines

    def new_epoch(self, epoch: int) -> None:
        self.base, self.epoch, self.log = self.seq, epoch, []
        self.floor = self.base
        self.chains = {self.base: self._epoch_chain()}
        self.heads = {self.base: self.sign(self.base)}
        self.snapshot_at = None

    def raise_floor(self) -> None:
        self.floor = self.seq
        self.take_snapshot()
        self.tick()

    # --- reading ---

    @property
    def latest(self) -> str:
        return self.heads[max(self.heads)]

    def shown(self, change: dict) -> dict:
        if change["op"] == "remove":
            return change
        if change["id"] in self.withheld | self.erased:
            return {k: change[k] for k in ("seq", "op", "id", "trust", "commitment") if k in change}
        return {k: v for k, v in change.items() if k != "commitment"}

    def page(self, after: int) -> dict:
        ends = [seq for seq in sorted(self.heads) if seq > after][: self.page_batches]
        end = ends[-1] if ends else after
        changes = [self.shown(c) for c in self.log if after < c["seq"] <= end]
        return {
            "from_seq": after, "changes": changes, "head": self.heads[end], "latest": self.latest,
            "min_wait_seconds": 60,
        }  # fmt: skip

    def snapshot_lines(self) -> list[dict]:
        rows = [self.shown({"op": "", **e}) for e in self.entries.values()]
        for row in rows:
            row.pop("op", None)
        return [{"head": self.latest}, *rows, {"rows": len(rows)}]

    def take_snapshot(self) -> None:
        lines = [json.dumps(line).encode() + b"\n" for line in self.snapshot_lines()]
        half = len(lines) // 2
        packed = gzip.compress(b"".join(lines[:half])) + gzip.compress(b"".join(lines[half:]))
        self.snapshot_at = packed, '"' + hashlib.sha256(packed).hexdigest()[:16] + '"'

    # --- Transport ---

    def request(self, method, path, params=None, body=None, headers=None) -> Response:
        params, headers = dict(params or {}), dict(headers or {})
        assert headers["Authorization"] == "Bearer tid_test_key"
        name = path.removeprefix("/api/v1/").removeprefix("hash-list/").strip("/")
        self.requests.append(name)
        response = self._answer(method, name, params, json.loads(body) if body else None, headers)
        if self.fault is not None:
            response = self.fault(method, name, response) or response
        return response

    def _answer(self, method, name, params, body, headers) -> Response:
        if name == "head":
            return ok({"head": self.latest, "min_wait_seconds": 60})
        if name == "changes":
            return self._changes(params)
        if name == "snapshot":
            return self._snapshot(headers)
        if name == "acknowledgements":
            self.acknowledged.append(body)
            if body["seq"] == self.seq and body["epoch"] == self.epoch and body["set"] != self.set_hash().hex():
                return problem(409, "diverged")
            return Response(204, {}, b"")
        if name == "keys" and self.keys_note:
            return Response(200, {"content-type": "text/plain; charset=utf-8"}, self.keys_note.encode())
        if name in {"match-reports", "feedback"}:
            self.posted[body["client_id"]] = body
            return ok({}, status=201)
        if name in {"match-reports/batches", "feedback/batches"}:
            return self._batch(body["items"])
        return problem(404, "not_found")

    def _batch(self, items) -> Response:
        answered = []
        for item in items:
            if item["entry"] in self.erased:
                refused = {"code": "entry_off_the_list", "detail": "This entry has left the list."}
                answered.append({"status": 409, "answer": None, "problem": refused})
            else:
                self.posted[item["client_id"]] = item
                answered.append({"status": 201, "answer": item, "problem": None})
        return ok({"items": answered})

    def _changes(self, params) -> Response:
        if not params:
            if self.base:
                return self._resync("other_epoch")
            params = {"epoch": self.epoch, "after": 0}
        after = int(params["after"])
        if int(params["epoch"]) != self.epoch:
            return self._resync("other_epoch")
        if after < self.floor:
            return self._resync("below_floor")
        if after not in self.heads:
            return self._resync("unknown_position")
        return ok(self.page(after))

    def _resync(self, reason: str) -> Response:
        return problem(409, "resync", reason=reason, latest=self.latest)

    def _snapshot(self, headers) -> Response:
        if self.snapshot_at is None:
            self.take_snapshot()
        packed, etag = self.snapshot_at
        if headers.get("If-None-Match") == etag:
            return Response(304, {"ETag": etag}, b"")
        if "Range" in headers and headers.get("If-Range") == etag:
            start = int(headers["Range"].removeprefix("bytes=").rstrip("-"))
            span = f"bytes {start}-{len(packed) - 1}/{len(packed)}"
            return Response(206, {"ETag": etag, "Content-Range": span}, packed[start:])
        return Response(200, {"ETag": etag, "Content-Length": str(len(packed))}, packed)


def ok(members: dict, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(members).encode())


def problem(status: int, code: str, **members) -> Response:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": code, **members}
    return Response(status, {"content-type": "application/problem+json"}, json.dumps(body).encode())


class Client(SimpleNamespace):
    """A whole client over one transport, as a test drives it. `kind` is the Synchroniser to use (or a mutant of it)."""

    @property
    def store(self) -> Store:
        return self.synchroniser.store

    def sync(self):
        return self.synchroniser.sync()

    def values(self) -> dict[str, tuple[int, str | None]]:
        return {row.id.hex(): (row.trust, row.value) for row in self.store.rows()}

    def kinds(self) -> list[str]:
        return [alarm.kind for alarm in self.store.alarms()]

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.store.close()


def client_of(portal, directory, *, kind=Synchroniser, verifier=None, clock=lambda: NOW, at=None, **settings) -> Client:
    store = Store(directory, create=True)
    key = VerifierKey.parse(verifier or Signer().verifier)
    store.set_up(url="https://portal.example", list_name=settings.get("list_name", "production"), verifier_key=key)
    extra = {"at": at} if at else {}
    return Client(synchroniser=kind(store, Portal(portal, key="tid_test_key"), clock=clock, **extra))
