/**
 * The worker that decodes HEIC, the format of iPhones, for browsers that cannot. A file of its own, since libheif is
 * LGPL-3.0 (NOTICE) and most people need none of its two megabytes of code: the page fetches it beforehand, so that it
 * works without a network, and the decoder inside is only set up when the first such picture comes.
 *
 * Served with the hashing worker's policy. It hands pixels to the hashing worker over a port that the page connects.
 *
 * @typedef {{kind: "port", port: MessagePort}} Request - Page → worker, once.
 * @typedef {{kind: "ready", networkRefused: boolean}} Ready - Worker → page, once. As in hash-worker.js.
 */

// @ts-expect-error: the bundle is libheif.js with its WebAssembly inside; the types stand beside that.
import makeLibheif from "libheif-js/libheif-wasm/libheif-bundle.mjs";

import { CannotDecode, OutOfMemory } from "../static/submissions/js/decode.js";
import { isNetworkRefused } from "./network.js";
import { serveStrips } from "../static/submissions/js/strips.js";

const STRIP_ROWS = 256;

/** @typedef {import("libheif-js/libheif-wasm/libheif.js").MainModule} Libheif */
/** @type {Libheif | null} */
let loaded = null;

self.addEventListener("message", (/** @type {MessageEvent<Request>} */ { data }) => serveStrips(data.port, open));
isNetworkRefused().then((networkRefused) => self.postMessage({ kind: "ready", networkRefused }));

/**
 * @param {Blob} file
 * @returns {Promise<import("../static/submissions/js/decode.js").Picture>}
 */
async function open(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    loaded ??= /** @type {Libheif} */ (makeLibheif({ print: () => {}, printErr: () => {} }));
    return primaryPicture(loaded, bytes);
  } catch (error) {
    loaded = null; // after an abort it is not to be used again
    throw error instanceof CannotDecode ? error : new OutOfMemory(String(error));
  }
}

/**
 * @param {Libheif} libheif
 * @param {Uint8Array} bytes
 * @returns {import("../static/submissions/js/decode.js").Picture} Upright: libheif turns it as the file says.
 */
function primaryPicture(libheif, bytes) {
  const context = libheif.heif_context_alloc();
  let handle = null;
  try {
    const { code } = libheif.heif_context_read_from_memory(context, /** @type {any} */ (bytes));
    if (code !== libheif.heif_error_code.heif_error_Ok) throw new CannotDecode("libheif cannot read the file");
    handle = libheif.heif_js_context_get_primary_image_handle(context);
    if (!handle || handle.code) throw new CannotDecode("no primary picture");
    const manyFrames = libheif.heif_context_get_number_of_top_level_images(context) > 1;
    return { ...decoded(libheif, handle), manyFrames };
  } finally {
    if (handle && !handle.code) libheif.heif_image_handle_release(handle);
    libheif.heif_context_free(context);
  }
}

/**
 * @param {Libheif} libheif
 * @param {any} handle
 */
function decoded(libheif, handle) {
  const { heif_colorspace_RGB: rgb } = libheif.heif_colorspace;
  const { heif_chroma_interleaved_RGBA: rgba } = libheif.heif_chroma;
  const result = libheif.heif_js_decode_image2(handle, rgb, rgba);
  if (!result || result.code) throw new CannotDecode("libheif cannot decode the picture");
  const [{ width, height, stride, data }] = result.channels;
  let open = true;
  const close = () => {
    if (open) libheif.heif_image_release(result.image);
    open = false;
  };
  return { width, height, strips: copies(data, { width, height, stride }), close };
}

/**
 * @param {Uint8Array} data - A view of libheif's memory.
 * @param {{width: number, height: number, stride: number}} layout
 */
async function* copies(data, { width, height, stride }) {
  for (let top = 0; top < height; top += STRIP_ROWS) {
    const rows = Math.min(STRIP_ROWS, height - top);
    const pixels = new Uint8ClampedArray(width * 4 * rows);
    for (let row = 0; row < rows; row++) {
      const from = (top + row) * stride;
      pixels.set(data.subarray(from, from + width * 4), row * width * 4);
    }
    yield { pixels, rows };
  }
}
