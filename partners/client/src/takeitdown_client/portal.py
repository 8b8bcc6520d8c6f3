"""The portal's endpoints (LIST.md §4), one method each: builds the request, names what was refused, reads the shape.

Nothing here is believed: notes come back as text and pages unproven.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import rows
from .errors import (
    BadPage,
    ClientFailure,
    Diverged,
    KeyNotAccepted,
    MalformedAnswer,
    NotAllowed,
    NotFound,
    PortalFailed,
    PortalRefusal,
    ResyncNeeded,
    TooManyRequests,
)
from .http import Response, Transport

LIST_PATH = "/api/v1/hash-list/"
REPORTS_PATH = "/api/v1/match-reports/"
FEEDBACK_PATH = "/api/v1/feedback/"
SELF_TEST_PATH = "/api/v1/self-test/"
_PROBLEM_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class HeadAnswer:
    """The newest head as a note, unopened, and the seconds to leave between polls."""

    head: str
    min_wait_seconds: float


class Portal:
    """Speaks to one portal with one key. The key travels in the Authorization header and nowhere else."""

    def __init__(self, transport: Transport, *, key: str) -> None:
        self._transport = transport
        self._key = key

    def head(self) -> HeadAnswer:
        answer = self._json("GET", LIST_PATH + "head/")
        return HeadAnswer(rows.text(answer, "head"), rows.min_wait(answer))

    def changes(self, position: tuple[int, int] | None) -> rows.Page:
        """The page after (epoch, seq), or the first of the present epoch.

        Raises ResyncNeeded; MalformedAnswer when this is no JSON (cut on the way: ask again); BadPage when it is, and
        not a page.
        """
        params = {} if position is None else {"epoch": str(position[0]), "after": str(position[1])}
        answer = self._json("GET", LIST_PATH + "changes/", params=params)
        try:
            return rows.parse_page(answer)
        except MalformedAnswer as error:
            raise BadPage(error.detail) from error

    def snapshot(self, *, etag: str = "", offset: int = 0) -> Response:
        """The snapshot's bytes, as they come (gzip).

        With an `etag` and an `offset`: the bytes from there (206) or all of them (200) when the file has changed.
        With an `etag` alone: 304 when it is still the same file.
        """
        headers = {"Accept-Encoding": "identity"}
        if etag and offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": etag}
        elif etag:
            headers |= {"If-None-Match": etag}
        answer = self._send("GET", LIST_PATH + "snapshot/", headers=headers)
        if answer.status not in {200, 206, 304, 416}:
            raise _refusal(answer)
        return answer

    def acknowledge(self, *, epoch: int, seq: int, set_hash: bytes) -> None:
        """Tell the portal what this copy adds up to. Raises Diverged when it does not agree."""
        self._post(LIST_PATH + "acknowledgements/", {"epoch": epoch, "seq": seq, "set": set_hash.hex()})

    def entry(self, entry_id: str) -> dict[str, Any]:
        """One row as shown to you, with `your_feedback`. `entry_id` is 32 hex. Raises NotFound."""
        return self._json("GET", f"{LIST_PATH}entries/{entry_id}/")

    def keys(self) -> str:
        """The note that lists the portal's keys: the bare note, or `{"keys": note}`."""
        answer = self._send("GET", LIST_PATH + "keys/")
        if answer.status != 200:
            raise _refusal(answer)
        content = answer.content()
        if content.lstrip()[:1] == b"{":
            members = rows.loads(content)
            return rows.text(members, "keys" if "keys" in members else "note")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise MalformedAnswer("The list of keys is not text.") from None

    def post_reports(self, path: str, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """Deliver up to 100 match reports, or as many opinions, in one request; for each why it was refused, or "".

        Repeating is harmless. Raises MalformedAnswer, besides what refuses the whole request.
        """
        answer = self._json_posted(path + "batches/", {"items": list(bodies)})
        items = answer.get("items")
        if not isinstance(items, list) or len(items) != len(bodies):
            raise MalformedAnswer("The portal's answer does not fit the reports that were sent.")
        return [_item_refusal(item) for item in items]

    def self_test(self) -> dict[str, Any]:
        """Where the self-test stands: `pictures`, the newest `run` or None, `certified_at`."""
        return self._json("GET", SELF_TEST_PATH)

    def begin_self_test(self) -> dict[str, Any]:
        """A new run; an open one is closed. Needs a key of the sandbox."""
        return self._json_posted(SELF_TEST_PATH, {})

    def test_pictures(self) -> Response:
        """The archive's bytes, as they come (zip)."""
        answer = self._send("GET", SELF_TEST_PATH + "pictures/", headers={"Accept-Encoding": "identity"})
        if answer.status != 200:
            raise _refusal(answer)
        return answer

    def answer_self_test(self, matches: Mapping[str, list[str]]) -> dict[str, Any]:
        """Send what was found, file names to entry ids; the run as judged so far. Once a run."""
        return self._json_posted(SELF_TEST_PATH + "answers/", {"matches": matches})

    def _json_posted(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return rows.loads(self._posted(path, body).content())

    def _posted(self, path: str, body: Mapping[str, Any]) -> Response:
        headers = {"Content-Type": "application/json"}
        answer = self._send("POST", path, body=json.dumps(body).encode(), headers=headers)
        if not 200 <= answer.status < 300:
            raise _refusal(answer)
        return answer

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        self._posted(path, body).content()

    def _json(self, method: str, path: str, *, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = self._send(method, path, params=params, headers={"Accept-Encoding": "gzip"})
        if answer.status != 200:
            raise _refusal(answer)
        return rows.loads(answer.content())

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        sent = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", **(headers or {})}
        return self._transport.request(method, path, params, body, sent)


def _item_refusal(item: Any) -> str:
    """Why one item of a batch was not kept; empty if it was."""
    status = item.get("status") if isinstance(item, dict) else None
    if type(status) is not int or not 200 <= status < 500:
        raise MalformedAnswer("The portal's answer does not say what became of a report.")
    if status < 300:
        return ""
    problem = item.get("problem")
    words = _word(problem, "detail") if isinstance(problem, dict) else ""
    return words or f"The portal answered {status}."


def _refusal(answer: Response) -> PortalRefusal:
    """Name a problem+json answer. A body that is no problem document only loses its words."""
    problem: dict[str, Any] = {}
    with contextlib.suppress(ClientFailure):
        problem = rows.loads(answer.content(limit=_PROBLEM_BYTES))
    status, code = answer.status, _word(problem, "code")
    detail = _word(problem, "detail") or _word(problem, "title") or f"The portal answered {status}."
    if status == 409 and code == "resync" and isinstance(problem.get("latest"), str):
        return ResyncNeeded(detail, reason=_word(problem, "reason"), latest=problem["latest"])
    kinds: dict[int, type[PortalRefusal]] = {
        401: KeyNotAccepted,
        403: NotAllowed,
        404: NotFound,
        429: TooManyRequests,
    }
    kind = kinds.get(status, PortalFailed if status >= 500 else PortalRefusal)
    if status == 409 and code == "diverged":
        kind = Diverged
    return kind(detail, status=status, code=code, retry_after=_seconds(answer.headers.get("retry-after", "")))


def _word(problem: dict[str, Any], name: str) -> str:
    """A member meant for eyes: one line of at most 300 printable characters."""
    value = problem.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value[:300] if character.isprintable())


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds, a day at most; None for a date or nonsense."""
    if not retry_after.isascii() or not retry_after.isdecimal() or len(retry_after) > 9:
        return None
    return float(min(int(retry_after), 86_400))
