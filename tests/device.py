"""A page with the built worker in it, served as the portal serves it, and a way to feed it files."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from playwright.sync_api import Page

from matching.hashing.pdq import pdq_of_image
from matching.signal_types import canonical, distance

REPOSITORY = Path(__file__).parents[1]
BROWSER = REPOSITORY / "submissions" / "browser"
MODULES = REPOSITORY / "submissions" / "static" / "submissions" / "js"
WORKER = "submissions/js/hash-worker.js"
POLICY = "default-src 'none'; script-src 'wasm-unsafe-eval'"

PAGE = b"""<!doctype html><meta charset="utf-8"><title>device</title><input type="file"><script>
const waiting = new Map();
const messages = [];
function begin() {
  window.worker = new Worker("/hash-worker.js");
  const heic = new Worker("/heic-worker.js");
  const { port1, port2 } = new MessageChannel();
  heic.postMessage({ kind: "port", port: port1 }, [port1]);
  worker.postMessage({ kind: "decoder", by: "heic", port: port2 }, [port2]);
  const heicReady = new Promise((resolve) => { heic.onmessage = ({ data }) => resolve(data); });
  const ready = new Promise((resolve) => { window.becomeReady = resolve; });
  worker.onmessage = ({ data }) => {
    messages.push(data);
    if (data.kind === "ready") window.becomeReady(data);
    if (data.kind === "done" || data.kind === "failed") waiting.get(data.id)?.(data);
  };
  return Promise.all([ready, heicReady]);
}
function hash(id, file) {
  const outcome = new Promise((resolve) => { waiting.set(id, resolve); });
  worker.postMessage({ kind: "hash", id, file });
  return outcome;
}
async function hashBytes(id, base64) {
  const file = await (await fetch(`data:;base64,${base64}`)).blob();
  const begun = performance.now();
  return { ...(await hash(id, file)), ms: performance.now() - begun };
}
</script>"""


def built_worker(folder: Path) -> Path | None:
    """The worker as the present sources make it, or as set-up left it; None if neither is possible."""
    node = shutil.which("node")
    if node and (BROWSER / "node_modules").is_dir():
        subprocess.run([node, BROWSER / "build.js", folder], check=True, capture_output=True, timeout=60)
        return folder / WORKER
    left = REPOSITORY / "var" / "static-built" / WORKER
    return left if left.exists() else None


@dataclass
class Site:
    """What the server was asked for, and where it is."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def served(worker: Path, *, policy: str | None = POLICY) -> Iterator[Site]:
    """Serve the page and the worker on a port of this machine."""
    files = {
        "/": ("text/html", PAGE, None),
        "/hash-worker.js": ("text/javascript", worker.read_bytes(), policy),
        "/heic-worker.js": ("text/javascript", worker.with_name("heic-worker.js").read_bytes(), policy),
        **{f"/js/{path.name}": ("text/javascript", path.read_bytes(), None) for path in MODULES.glob("*.js")},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(f"{self.command} {self.path}")
            kind, body, its_policy = files.get(self.path, ("text/plain", b"", None))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if its_policy:
                self.send_header("Content-Security-Policy", its_policy)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Device:
    """A page of somebody's browser with ready workers."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        page.goto(site.url)
        self.ready: dict[str, Any]
        self.heic_ready: dict[str, Any]
        self.ready, self.heic_ready = page.evaluate("begin()")
        self._last = 0

    def fingerprint(self, file: bytes) -> dict[str, Any]:
        """The worker's last word about a file, with the milliseconds it took as `ms`."""
        self._last += 1
        outcome: dict[str, Any] = self.page.evaluate(
            "([id, file]) => hashBytes(id, file)", [self._last, base64.b64encode(file).decode()]
        )
        return outcome


def apart(device: Device, file: bytes, *notices: str) -> int:
    """Bits between the browser's PDQ and Python's, after checking all the exact parts."""
    with Image.open(io.BytesIO(file)) as image:
        reference, size = pdq_of_image(image), ImageOps.exif_transpose(image).size
    outcome = device.fingerprint(file)
    assert outcome["kind"] == "done", outcome
    assert (outcome["width"], outcome["height"]) == size
    assert value_of(outcome, "md5") == hashlib.md5(file).hexdigest()
    assert value_of(outcome, "sha256") == hashlib.sha256(file).hexdigest()
    value = value_of(outcome, "pdq")
    if reference.quality < 50:
        assert (value, outcome["notices"]) == (None, ["low_quality", *notices])
        return 0
    assert outcome["notices"] == list(notices)
    assert value is not None
    canonical("pdq", "image", value)
    return distance(value, reference.value)


def value_of(outcome: dict[str, Any], kind: str) -> str | None:
    """The fingerprint of one type in a worker's answer."""
    return next((one["value"] for one in outcome.get("fingerprints", []) if one["type"] == kind), None)
