"""Does the copy on this disk still add up? Recomputes everything that can be recomputed without the portal."""

from collections.abc import Iterator
from dataclasses import dataclass

from .listhash import SetSum
from .progress import NoProgress, Progress
from .store import Store


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. `problems` is empty when the copy is what the portal signed."""

    rows: int
    set_hash: bytes
    problems: tuple[str, ...]


def audit(store: Store, *, progress: Progress | None = None) -> Audit:
    """Recompute set hash, number of rows and every shown row's commitment. About 50,000 rows a second; reads only.

    Raises LocalCopyDamaged when a row, or the record of what the rows should add up to, cannot even be read.
    """
    progress = progress or NoProgress()
    copy = store.copy()
    found, rotten, count = SetSum(), 0, 0
    progress.start("Checking rows", copy.head.live if copy.head else 0)

    def seeds() -> Iterator[bytes]:
        nonlocal rotten, count
        for row in store.rows():
            count += 1
            rotten += not row.proves_itself()
            if not count % 1000:
                progress.advance(1000)
            yield row.seed()

    found.add(seeds())
    progress.finish()
    problems = []
    if rotten:
        problems.append(f"{rotten} row(s) show a value that does not fit its commitment.")
    if count != (copy.head.live if copy.head else 0):
        problems.append("The number of rows is not the signed one.")
    if copy.head is not None and found.set_hash() != copy.head.set_hash:
        problems.append("The set hash of the rows is not the signed one.")
    if found != copy.sum:
        problems.append("The stored sum is not the sum of the rows.")
    return Audit(count, found.set_hash(), tuple(problems))
