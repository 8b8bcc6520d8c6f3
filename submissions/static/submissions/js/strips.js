/**
 * A picture decoded in another place than it is hashed in, handed over in strips: from the HEIC worker, or from the page
 * where the browser cannot draw in a worker. One picture at a time, each word answered by one:
 *
 * @typedef {{kind: "open", file: Blob, orientation: number} | {kind: "next"} | {kind: "close"}} Ask
 * @typedef {{kind: "opened", width: number, height: number, manyFrames: boolean}
 *   | {kind: "strip", pixels: Uint8ClampedArray, rows: number}
 *   | {kind: "end"}
 *   | {kind: "refused", code: "cannot_decode" | "too_many_pixels" | "out_of_memory"}} Answer
 */

import { CannotDecode, OutOfMemory, TooManyPixels } from "./decode.js";

/** @typedef {import("./decode.js").Picture} Picture */

const REFUSALS = { cannot_decode: CannotDecode, too_many_pixels: TooManyPixels, out_of_memory: OutOfMemory };

/**
 * The side that decodes.
 *
 * @param {MessagePort} port
 * @param {(file: Blob, orientation: number) => Promise<Picture>} open
 */
export function serveStrips(port, open) {
  /** @type {Picture | null} */
  let picture = null;
  /** @type {AsyncIterator<{pixels: Uint8ClampedArray, rows: number}> | null} */
  let strips = null;
  const forget = () => {
    picture?.close();
    picture = strips = null;
  };
  /** @param {Ask} ask */
  const answer = async (ask) => {
    if (ask.kind === "open") {
      forget(); // the one before was given up
      picture = await open(ask.file, ask.orientation);
      strips = picture.strips[Symbol.asyncIterator]();
      port.postMessage({ kind: "opened", width: picture.width, height: picture.height, manyFrames: picture.manyFrames });
    } else if (ask.kind === "next" && strips) {
      const { value, done } = await strips.next();
      if (done) port.postMessage({ kind: "end" });
      else port.postMessage({ kind: "strip", ...value }, [value.pixels.buffer]);
    } else forget();
  };
  port.onmessage = ({ data }) =>
    answer(data).catch((error) => {
      forget();
      port.postMessage({ kind: "refused", code: codeOf(error) });
    });
}

/** @param {unknown} error */
function codeOf(error) {
  const known = Object.entries(REFUSALS).find(([, kind]) => error instanceof kind);
  return known ? known[0] : error instanceof RangeError ? "out_of_memory" : "cannot_decode";
}

/** The side that hashes. */
export class RemoteDecoder {
  /** @param {MessagePort} port */
  constructor(port) {
    this.port = port;
    /** @type {(answer: Answer) => void} */
    this.take = () => {};
    this.lost = false;
    port.onmessage = ({ data }) => this.take(data);
  }

  /** The other side died: nothing will be answered any more. */
  lose() {
    this.lost = true;
    this.take({ kind: "refused", code: "cannot_decode" });
  }

  /**
   * @param {Blob} file
   * @param {number} orientation
   * @returns {Promise<Picture>}
   * @throws {TooManyPixels | CannotDecode | OutOfMemory}
   */
  async open(file, orientation) {
    const opened = await this.#ask({ kind: "open", file, orientation });
    if (opened.kind !== "opened") throw new CannotDecode("not opened");
    const { width, height, manyFrames } = opened;
    return { width, height, manyFrames, strips: this.#strips(), close: () => this.port.postMessage({ kind: "close" }) };
  }

  async *#strips() {
    for (let one = await this.#ask({ kind: "next" }); one.kind === "strip"; one = await this.#ask({ kind: "next" })) {
      yield { pixels: one.pixels, rows: one.rows };
    }
  }

  /**
   * @param {Ask} ask
   * @returns {Promise<Answer>}
   */
  async #ask(ask) {
    /** @type {Answer} */
    const answer = await new Promise((resolve) => {
      this.take = resolve;
      if (this.lost) this.lose();
      else this.port.postMessage(ask);
    });
    if (answer.kind === "refused") throw new REFUSALS[answer.code](answer.code);
    return answer;
  }
}
