"""What we understand and decline. A leaf: imports no room."""

from __future__ import annotations

from typing import ClassVar


class Refused(Exception):
    """The parent of every domain error.

    `code` is a stable word for programs, `status` the HTTP status that fits, `detail` a sentence that is safe to show
    to whoever asked: it never repeats what they sent.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    default_detail: ClassVar[str] = "This can't be done."

    def __init__(self, detail: str | None = None, **members: object) -> None:
        self.detail: str = detail if detail is not None else str(self.default_detail)
        # Further members of a problem document (RFC 9457), for example the newest head beside a `resync`.
        self.members = members
        super().__init__(self.detail)
