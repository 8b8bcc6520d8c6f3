/**
 * The page's side of the workers (their words are described in submissions/browser/). Both are started with the page and
 * have everything in them, so nothing is fetched later: the network may be switched off once they are ready.
 */

import { lendCanvas } from "./page-canvas.js";

/**
 * @typedef {{type: string, value: string, quality?: number}} Fingerprint
 * @typedef {object} Found
 * @property {"image" | "video"} media
 * @property {Fingerprint[]} fingerprints
 * @property {string[]} notices
 *
 * @typedef {object} Listener - What the page does at each word of the worker.
 * @property {(networkRefused: boolean) => void} ready
 * @property {() => void} broken - The worker could not be loaded, or died.
 * @property {(id: number, percent: number) => void} progress
 * @property {(id: number, found: Found) => void} done
 * @property {(id: number, code: string) => void} failed
 */

/**
 * Trusted Types let only this policy make an address of a script, and it makes only the workers'.
 *
 * @param {string[]} urls
 * @returns {(url: string) => any} Makes a TrustedScriptURL, or the address itself where browsers don't know them.
 */
function scriptUrls(urls) {
  const factory = /** @type {any} */ (globalThis).trustedTypes;
  if (!factory) return (url) => url;
  /** @param {string} asked */
  const only = (asked) => {
    if (!urls.includes(asked)) throw new TypeError("Only the workers are scripts here.");
    return asked;
  };
  const policy = factory.createPolicy("takeitdown", { createScriptURL: only });
  return (url) => policy.createScriptURL(url);
}

/** @returns {string} Where the page says that the HEIC worker is. */
function heicUrlOfPage() {
  const element = /** @type {HTMLElement | null} */ (document.querySelector("[data-heic-worker]"));
  return element?.dataset.heicWorker ?? "";
}

/**
 * Connect the HEIC worker with the hashing worker. Without it, or once it died, such pictures get exact hashes only.
 *
 * @param {Worker} heic
 * @param {Worker} worker
 * @returns {Promise<boolean>} Whether it is refused the network: true also when it is not there.
 */
function connect(heic, worker) {
  const { port1, port2 } = new MessageChannel();
  heic.postMessage({ kind: "port", port: port1 }, [port1]);
  worker.postMessage({ kind: "decoder", by: "heic", port: port2 }, [port2]);
  return new Promise((resolve) => {
    heic.addEventListener("message", ({ data }) => resolve(data.networkRefused));
    heic.addEventListener("error", () => {
      worker.postMessage({ kind: "decoder", by: "heic", port: null });
      resolve(true);
    });
  });
}

/** Fingerprints files in a worker, in the order they come. It is handed files and keeps none of them. */
export class Fingerprinting {
  /**
   * @param {string} url - The worker's address.
   * @param {Listener} listener
   * @param {string} heicUrl - The address of the worker that decodes HEIC; may be empty.
   */
  constructor(url, listener, heicUrl = heicUrlOfPage()) {
    const scriptUrl = scriptUrls([url, heicUrl]);
    this.worker = new Worker(scriptUrl(url));
    this.worker.addEventListener("error", () => listener.broken());
    this.heicRefused = heicUrl ? connect(new Worker(scriptUrl(heicUrl)), this.worker) : Promise.resolve(true);
    this.worker.addEventListener("message", ({ data }) => {
      if (data.kind === "ready") this.#onReady(data, listener);
      else tell(listener, data);
    });
  }

  /**
   * @param {{networkRefused: boolean, needsPageCanvas?: true}} word
   * @param {Listener} listener
   */
  async #onReady({ networkRefused, needsPageCanvas }, listener) {
    if (needsPageCanvas) lendCanvas(this.worker);
    listener.ready((await this.heicRefused) && networkRefused);
  }

  /**
   * @param {number} id
   * @param {File} file
   */
  start(id, file) {
    // A Blob without the name: not even the worker is told it.
    this.worker.postMessage({ kind: "hash", id, file: file.slice(0, file.size, file.type) });
  }

  /** @param {number} id */
  cancel(id) {
    this.worker.postMessage({ kind: "cancel", id });
  }
}

/**
 * @param {Listener} listener
 * @param {any} word
 */
function tell(listener, word) {
  if (word.kind === "progress") listener.progress(word.id, Math.floor((100 * word.done) / Math.max(1, word.total)));
  else if (word.kind === "done") listener.done(word.id, word);
  else if (word.kind === "failed") listener.failed(word.id, word.code);
}
