/**
 * The worker that hashes the picture. Set-up bundles it into one file, because the portal serves it with a policy of its
 * own, `default-src 'none'; script-src 'wasm-unsafe-eval'`: the browser itself then forbids it every request.
 *
 * Page → worker, worker → page; files are worked on one after another, in the order they came:
 *
 * @typedef {{kind: "hash", id: string | number, file: Blob} | {kind: "cancel", id: string | number}
 *   | {kind: "decoder", by: "heic" | "canvas", port: MessagePort | null}} Request
 *   `decoder`: who decodes what this worker cannot, over a port that speaks strips.js; null: it died.
 *
 * @typedef {{kind: "ready", networkRefused: boolean, md5: boolean, needsPageCanvas?: true}} Ready
 *   Once, when hashing can begin. `networkRefused`: a request was tried and the browser refused it; claim "cannot reach
 *   the network" only then. `md5`: WebAssembly works. `needsPageCanvas`: this browser cannot draw in a worker (iOS
 *   before 16.4); unless the page offers its canvas, pictures get exact hashes only (`no_picture_fingerprint`).
 * @typedef {{kind: "progress", id: string | number, done: number, total: number, stage: import("../static/submissions/js/fingerprint.js").Stage}} Progress
 *   `done` never falls while a file is worked on; `total` is constant.
 * @typedef {{kind: "done", id: string | number} & import("../static/submissions/js/fingerprint.js").Fingerprints} Done
 * @typedef {{kind: "failed", id: string | number, code: import("../static/submissions/js/fingerprint.js").Failure}} Failed
 *   A cancelled file ends with `cancelled` at once, unless it was done before the word arrived.
 */

import { createMD5, createSHA256 } from "hash-wasm";

import { Unusable, fingerprint } from "../static/submissions/js/fingerprint.js";
import { isNetworkRefused } from "./network.js";
import { RemoteDecoder } from "../static/submissions/js/strips.js";

const PROGRESS_MS = 100;

/** @type {Set<string | number>} */
const waiting = new Set();
/** @type {Set<string | number>} */
const cancelled = new Set();
/** @type {import("../static/submissions/js/decode.js").Decoders} */
const decoders = { here: typeof OffscreenCanvas !== "undefined" && typeof createImageBitmap !== "undefined" };
const ready = start();
/** The tail of the queue. */
let last = ready.then(() => {});

self.addEventListener("message", (/** @type {MessageEvent<Request>} */ { data }) => {
  if (data.kind === "hash") {
    waiting.add(data.id);
    last = last.then(() => work(data.id, data.file));
  } else if (data.kind === "decoder") {
    if (data.port) decoders[data.by] = new RemoteDecoder(data.port);
    else decoders[data.by]?.lose();
  } else if (waiting.has(data.id) && !cancelled.has(data.id)) {
    cancelled.add(data.id); // whatever is under way ends at its next pause
    self.postMessage({ kind: "failed", id: data.id, code: "cancelled" });
  }
});

async function start() {
  const [networkRefused, hashers] = await Promise.all([isNetworkRefused(), makeHashers()]);
  /** @type {Ready} */
  const message = { kind: "ready", networkRefused, md5: hashers !== null };
  if (!decoders.here) message.needsPageCanvas = true;
  self.postMessage(message);
  return { hashers, decoders };
}

async function makeHashers() {
  try {
    const [md5, sha256] = await Promise.all([createMD5(), createSHA256()]);
    return { md5, sha256 };
  } catch {
    return null; // no WebAssembly: Lockdown Mode on iOS, or an old browser's policy
  }
}

/**
 * @param {string | number} id
 * @param {Blob} file
 */
async function work(id, file) {
  const onProgress = progressOf(id);
  try {
    stopIfCancelled(id);
    const found = await fingerprint(file, { ...(await ready), onProgress });
    stopIfCancelled(id);
    self.postMessage({ kind: "done", id, ...found });
  } catch (error) {
    // Whatever else went wrong, the file could not be read: it was moved away, for one.
    if (cancelled.has(id)) return;
    self.postMessage({ kind: "failed", id, code: error instanceof Unusable ? error.code : "cannot_decode" });
  } finally {
    waiting.delete(id);
    cancelled.delete(id);
  }
}

/** @param {string | number} id */
function stopIfCancelled(id) {
  if (cancelled.has(id)) throw new Unusable("cancelled");
}

/**
 * @param {string | number} id
 * @returns {import("../static/submissions/js/fingerprint.js").Surroundings["onProgress"]}
 */
function progressOf(id) {
  let told = -Infinity;
  return async (done, total, stage) => {
    if (performance.now() - told < PROGRESS_MS && done < total) return;
    told = performance.now();
    self.postMessage({ kind: "progress", id, done, total, stage });
    await breathe();
    stopIfCancelled(id);
  };
}

/** Let messages in, above all a cancellation. A timer would cost 4 ms each time. */
function breathe() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(null);
  });
}
