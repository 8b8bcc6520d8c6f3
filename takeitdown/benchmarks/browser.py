"""How long fingerprints take: in a real browser, by megapixel and part, and in Python beside the reference.

The worker under test is the built one; only for the parts is a second worker made from the same modules, which tells
what it spends on decoding, reading back, PDQ and digests.
"""

from __future__ import annotations

import importlib
import io
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from matching.hashing.pdq import pdq_of_pixels
from takeitdown.bootstrap import Missing

BROWSER: Final = Path(__file__).parents[2] / "submissions" / "browser"
MEGAPIXELS: Final = [1, 3, 12, 24, 50]
ROUNDS: Final = 3
POLICY: Final = "default-src 'none'; script-src 'wasm-unsafe-eval'"

# Stands beside the modules it imports; esbuild resolves both.
PARTS_WORKER: Final = """
import { createMD5, createSHA256 } from "hash-wasm";
import { openPicture } from "../static/submissions/js/decode.js";
import { digestsOf } from "../static/submissions/js/digests.js";
import { PdqStream } from "../static/submissions/js/pdq.js";

self.onmessage = async ({ data: file }) => {
  const hashers = { md5: await createMD5(), sha256: await createSHA256() };
  const took = { decode: 0, readback: 0, pdq: 0, digests: 0 };
  let mark = performance.now();
  const lap = (part) => {
    const now = performance.now();
    took[part] += now - mark;
    mark = now;
  };
  const picture = await openPicture(new Uint8Array(await file.arrayBuffer()), "jpeg");
  lap("decode");
  const stream = new PdqStream(picture.width, picture.height);
  for await (const { pixels, rows } of picture.strips) {
    lap("readback");
    stream.addRgba(pixels, rows);
    lap("pdq");
  }
  picture.close();
  const value = stream.finish().value;
  lap("pdq");
  await digestsOf(file, hashers, async () => {});
  lap("digests");
  self.postMessage({ took, value });
};
"""

PAGE: Final = """<!doctype html><title>benchmark</title><script>
const get = async (path) => (await fetch(path)).blob();
const answer = (worker, kind) => new Promise((resolve) => {
  worker.onmessage = ({ data }) => { if (!kind || kind.includes(data.kind)) resolve(data); };
});
async function whole(path) {
  const worker = new Worker("/hash-worker.js");
  await answer(worker, ["ready"]);
  const file = await get(path);
  const begun = performance.now();
  worker.postMessage({ kind: "hash", id: 1, file });
  const { fingerprints } = await answer(worker, ["done", "failed"]);
  const ms = performance.now() - begun;
  worker.terminate();
  return { ms, value: fingerprints?.[0].value };
}
async function parts(path) {
  const worker = new Worker("/parts-worker.js");
  worker.postMessage(await get(path));
  const result = await answer(worker);
  worker.terminate();
  return result;
}
</script>"""


def run(size: int | None) -> dict[str, Any]:
    """Measure pictures of 1 to 50 megapixels, or up to `size` megapixels. JSON throughout."""
    sizes = [megapixels for megapixels in MEGAPIXELS if size is None or megapixels <= size] or [size or 1]
    return {
        "shared_machine": True,  # figures from a busy machine: compare within one run only
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rounds": ROUNDS,
        "python": [_measure_python(megapixels) for megapixels in sizes],
        **_measure_browser(sizes),
    }


def table(result: dict[str, Any]) -> list[list[str]]:
    """The result as rows of text, headings first."""
    rows = [["what", "MP", "ms", "ms/MP", "decode", "readback", "PDQ", "digests", "reference", "times faster"]]
    for one in result["browser"]:
        parts = [f"{one['parts_ms'][part]:.0f}" for part in ("decode", "readback", "pdq", "digests")]
        rows.append(["browser", str(one["megapixels"]), f"{one['ms']:.0f}", f"{one['ms_per_mp']:.1f}", *parts, "", ""])
    for one in result["python"]:
        reference = [f"{one['reference_ms']:.0f}", f"{one['times_faster']:.1f}"] if one["reference_ms"] else ["", ""]
        numbers = [str(one["megapixels"]), f"{one['ms']:.0f}", f"{one['ms_per_mp']:.1f}"]
        rows.append(["Python PDQ", *numbers, "", "", "", "", *reference])
    return rows


def picture(megapixels: int) -> npt.NDArray[np.uint8]:
    """A drawn picture, four to three, with structure at every scale and some grain, as a camera's has."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = width * 3 // 4
    random = np.random.default_rng(megapixels)
    coarse = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((width, height), 3)
    grain = random.integers(0, 13, (height, width, 1), dtype=np.uint8)
    pixels: npt.NDArray[np.uint8] = np.clip(np.asarray(coarse).astype(np.int16) + grain - 6, 0, 255).astype(np.uint8)
    return pixels


# --- Python --------------------------------------------------------------------------------------------------------


def _measure_python(megapixels: int) -> dict[str, Any]:
    pixels = picture(megapixels)
    reference = _reference()
    ours, theirs = [], []
    for _ in range(ROUNDS):  # by turns, so that a busy moment hits both
        ours.append(_milliseconds(lambda: pdq_of_pixels(pixels)))
        if reference:
            theirs.append(_milliseconds(lambda: reference(pixels)))
    ms = statistics.median(ours)
    reference_ms = statistics.median(theirs) if theirs else None
    return {
        "megapixels": megapixels,
        "ms": ms,
        "ms_per_mp": ms / megapixels,
        "reference_ms": reference_ms,
        "times_faster": reference_ms / ms if reference_ms else None,
    }


def _reference() -> Callable[[npt.NDArray[np.uint8]], object] | None:
    """pdqhash, which needs a compiler to install."""
    try:
        compute: Callable[[npt.NDArray[np.uint8]], object] = importlib.import_module("pdqhash").compute
    except ImportError:
        return None
    return compute


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


# --- browser -------------------------------------------------------------------------------------------------------


def _measure_browser(sizes: list[int]) -> dict[str, Any]:
    """`browser`: one entry a size; empty with the reason in `browser_missing` where there is no Chromium or Node.js."""
    try:
        from playwright.sync_api import sync_playwright

        from takeitdown import browser_libraries
        from tests.chromium import FLAGS, chromium_path  # where this machine's browser is

        node = browser_libraries.node()
    except (ImportError, Missing) as missing:
        return {"browser": [], "browser_missing": str(missing)}
    path = chromium_path()
    if path is None:
        return {"browser": [], "browser_missing": "Chromium is missing."}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        files = _built(node, Path(folder)) | {f"/{size}.jpg": ("image/jpeg", _jpeg(size)) for size in sizes}
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        with _served(files) as url:
            page = browser.new_page()
            page.goto(url)
            measured = [_measure_size(page, size, len(files[f"/{size}.jpg"][1])) for size in sizes]
        version = browser.version
        browser.close()
    return {"browser": measured, "browser_version": version}


def _measure_size(page: Any, megapixels: int, file_bytes: int) -> dict[str, Any]:
    path = f"/{megapixels}.jpg"
    wholes = [page.evaluate("path => whole(path)", path) for _ in range(ROUNDS)]
    parts = [page.evaluate("path => parts(path)", path) for _ in range(ROUNDS)]
    ms = statistics.median(whole["ms"] for whole in wholes)
    # A benchmark of wrong answers is worth nothing.
    if len({one["value"] for one in wholes + parts}) != 1:
        raise AssertionError("the two workers disagree about a picture")
    return {
        "megapixels": megapixels,
        "file_bytes": file_bytes,
        "ms": ms,
        "ms_per_mp": ms / megapixels,
        "parts_ms": {
            part: statistics.median(one["took"][part] for one in parts)
            for part in ("decode", "readback", "pdq", "digests")
        },
    }


def _jpeg(megapixels: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(megapixels)).save(file, "JPEG", quality=85)
    return file.getvalue()


def _built(node: str, folder: Path) -> dict[str, tuple[str, bytes]]:
    """The page, the worker as set-up builds it, and the one that tells its parts apart."""
    subprocess.run([node, "build.js", folder], cwd=BROWSER, check=True, capture_output=True)
    parts = subprocess.run(
        [node, "node_modules/esbuild/bin/esbuild", "--bundle", "--format=iife", "--loader=js"],
        cwd=BROWSER, input=PARTS_WORKER.encode(), check=True, capture_output=True,
    )  # fmt: skip
    return {
        "/": ("text/html", PAGE.encode()),
        "/hash-worker.js": ("text/javascript", (folder / "submissions/js/hash-worker.js").read_bytes()),
        "/parts-worker.js": ("text/javascript", parts.stdout),
    }


@contextmanager
def _served(files: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = files.get(self.path, ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if self.path.endswith("-worker.js"):
                self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
