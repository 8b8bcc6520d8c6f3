/**
 * The files somebody picked and what became of each. No DOM here, and no file: an item knows its fingerprints only.
 *
 * @typedef {"waiting" | "working" | "done" | "failed"} State
 * @typedef {object} Item
 * @property {number} id
 * @property {"picture" | "video"} kind - What the page calls it; the worker has the last word.
 * @property {State} state
 * @property {number} percent
 * @property {string} code - Why it failed.
 * @property {string[]} notices
 * @property {import("./fingerprinting.js").Fingerprint[]} fingerprints
 */

export const MOST_FILES = 25;

export class PickedFiles {
  /** @param {number} after - How many files the case has already. */
  constructor(after = 0) {
    this.after = after;
    /** @type {Item[]} */
    this.items = [];
    this.nextId = 1;
  }

  /**
   * @param {string} mimeType - As the browser guessed it.
   * @returns {Item | null} Null when there are 25 already.
   */
  add(mimeType) {
    if (this.usable().length >= MOST_FILES) return null;
    /** @type {Item["kind"]} */
    const kind = mimeType.startsWith("video/") ? "video" : "picture";
    /** @type {Item} */
    const item = { id: this.nextId++, kind, state: "waiting", percent: 0, code: "", notices: [], fingerprints: [] };
    this.items.push(item);
    return item;
  }

  /** @param {number} id */
  get(id) {
    return this.items.find((item) => item.id === id);
  }

  /** @param {number} id */
  remove(id) {
    this.items = this.items.filter((item) => item.id !== id);
  }

  /**
   * @param {number} id
   * @param {number} percent
   */
  progress(id, percent) {
    const item = this.get(id);
    if (item) Object.assign(item, { state: "working", percent });
  }

  /**
   * @param {number} id
   * @param {import("./fingerprinting.js").Found} found
   */
  done(id, found) {
    const item = this.get(id);
    if (!item) return;
    const kind = found.media === "video" ? "video" : "picture";
    Object.assign(item, { kind, percent: 100, notices: found.notices, fingerprints: found.fingerprints });
    if (found.fingerprints.length === 0) this.fail(id, "cannot_decode");
    else if (this.ready().some((other) => isSameFile(other, item))) this.fail(id, "duplicate");
    else item.state = "done";
  }

  /**
   * @param {number} id
   * @param {string} code
   */
  fail(id, code) {
    const item = this.get(id);
    if (item) Object.assign(item, { state: "failed", code, fingerprints: [] });
  }

  /** @returns {Item[]} What is or may become part of the report. */
  usable() {
    return this.items.filter((item) => item.state !== "failed");
  }

  /** @returns {Item[]} What is part of the report now. */
  ready() {
    return this.items.filter((item) => item.state === "done");
  }

  /** @returns {boolean} Whether there is something to send and nothing is still being worked on. */
  isComplete() {
    return this.ready().length > 0 && this.ready().length === this.usable().length;
  }

  /**
   * @param {Item} item
   * @returns {number} The number the case page will show, too: the portal counts in the order of sending.
   */
  number(item) {
    return this.after + this.usable().indexOf(item) + 1;
  }

  /** @returns {{media: string, fingerprints: import("./fingerprinting.js").Fingerprint[]}[]} */
  toReport() {
    return this.ready().map((item) => ({
      media: item.kind === "video" ? "video" : "image",
      fingerprints: item.fingerprints,
    }));
  }
}

/**
 * @param {Item} one
 * @param {Item} other
 * @returns {boolean} Whether a digest of the whole file is equal.
 */
function isSameFile(one, other) {
  const digests = one.fingerprints.filter(({ type }) => type === "sha256" || type === "md5");
  return digests.some(({ type, value }) => other.fingerprints.some((its) => its.type === type && its.value === value));
}
