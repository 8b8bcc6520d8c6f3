"""The readers of the environment.

Production sets every variable itself. Without `DATABASE_URL` the portal runs on its embedded default, and what is not
in the environment stands in `var/embedded.env`, generated at first use with mode 0600, and in `var/running.env`, which
`run_portal` writes at each start, so that `manage.py` started beside it, with an empty environment, finds the same
settings.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("TAKEITDOWN_VAR") or BASE_DIR / "var").resolve()
EMBEDDED = not os.environ.get("DATABASE_URL")


def _generated() -> dict[str, str]:
    """Fresh values for an embedded portal; the keys every deployment must set for itself."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PEPPERS": f"1:{secrets.token_hex(32)}",
        "RECEIPT_MASTER": secrets.token_hex(32),
        "WEBHOOK_MASTER": secrets.token_hex(32),
    }


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _replace(path: Path, values: dict[str, str], *, note: str = "") -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"# {note}\n" if note else "")
        file.writelines(f"{name}={value}\n" for name, value in sorted(values.items()))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _embedded_values() -> dict[str, str]:
    """The values of `var/embedded.env`; what is missing is made and kept. Two processes that start at once agree."""
    path = VAR / "embedded.env"
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (VAR / "embedded.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = _read(path) if path.exists() else {}
        if missing := {name: value for name, value in _generated().items() if name not in kept}:
            kept |= missing
            _replace(path, kept, note="Generated for the embedded portal. Losing the pepper or a master loses cases.")
    return kept


def _running_values() -> dict[str, str]:
    """What the portal that runs here, or ran last, was started with."""
    try:
        return _read(VAR / "running.env")
    except FileNotFoundError:
        return {}


_stored = {**_embedded_values(), **_running_values()} if EMBEDDED else {}
_read_names: set[str] = set()


def text(name: str, default: str = "") -> str:
    """The variable, or its embedded value, or the default."""
    _read_names.add(name)
    return os.environ.get(name) or _stored.get(name) or default


def keep_for_others(**values: str) -> None:
    """Write `values`, and each setting given in this process's environment, to `var/running.env`."""
    given = {name: os.environ[name] for name in _read_names if os.environ.get(name)}
    _replace(VAR / "running.env", {**given, **values})


def required(name: str) -> str:
    """The variable; refuses to start without it."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment: there is no safe default for it.")
    return value


def flag(name: str, default: bool = False) -> bool:
    """`1`, `true`, `yes`, `on` in any case mean yes; anything else that is set means no."""
    value = text(name)
    return value.lower() in {"1", "true", "yes", "on"} if value else default


def number(name: str, default: int) -> int:
    """A whole number."""
    value = text(name)
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None


def listed(name: str, default: str = "") -> list[str]:
    """Words separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def redis_sockets() -> Path:
    """The folder of the embedded Redis sockets: `var/`, or a private folder in /tmp when that path is too long for one.

    Not TMPDIR or the runtime folder: `manage.py` with an empty environment has to come to the same place.
    """
    if len(str(VAR / "broker.sock")) < 100:
        return VAR
    name = hashlib.sha256(str(VAR).encode()).hexdigest()[:16]
    return Path(f"/tmp/takeitdown-{os.getuid()}-{name}")  # noqa: S108  made with mode 0700, its owner is checked
