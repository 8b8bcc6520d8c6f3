/**
 * The page's canvas, lent to the hashing worker by browsers that cannot draw in a worker (iOS before 16.4). Decoding
 * itself happens beside the page; what blocks it is reading back one strip at a time.
 */

import { CannotDecode, decode, openBitmap } from "./decode.js";
import { serveStrips } from "./strips.js";

/** @param {Worker} worker - Told that this page decodes. */
export function lendCanvas(worker) {
  const { port1, port2 } = new MessageChannel();
  serveStrips(port1, open);
  worker.postMessage({ kind: "decoder", by: "canvas", port: port2 }, [port2]);
}

/**
 * @param {Blob} file
 * @param {number} orientation
 */
async function open(file, orientation) {
  return openBitmap(await bitmapOf(file), orientation, pageContext);
}

/** @param {Blob} file */
async function bitmapOf(file) {
  if (typeof createImageBitmap === "undefined") return pictureElement(file);
  try {
    return await decode(file);
  } catch {
    return pictureElement(file); // browsers before the options, or before files as a source
  }
}

/**
 * Old browsers' only way. Orientation was cut from the file before, so none is applied twice.
 *
 * @param {Blob} file
 */
async function pictureElement(file) {
  const picture = new Image();
  const address = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      picture.onload = resolve;
      picture.onerror = () => reject(new CannotDecode("no such picture"));
      picture.src = address;
    });
    return picture;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * @param {number} width
 * @param {number} height
 */
function pageContext(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  return canvas.getContext("2d", { willReadFrequently: true });
}
