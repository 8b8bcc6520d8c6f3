/** From a file's bytes to rows of pixels, upright, in strips, with as little memory as the browser allows. */

import { plainPicture } from "./image-metadata.js";
import { pngStrips, spoiledByCanvas } from "./png.js";

/** Beyond it even one decoded copy (4 bytes a pixel) would end a phone's tab. */
export const MAX_PIXELS = 120_000_000;

const STRIP_ROWS = 256;
/** iOS refuses canvases beyond 16.7 million pixels; very wide pictures get lower strips. */
const STRIP_PIXELS = 4_000_000;

/** The picture has more pixels than we decode. */
export class TooManyPixels extends Error {}
/** This browser cannot read the picture, or it is damaged. */
export class CannotDecode extends Error {}
/** This device has no room for the decoded picture. */
export class OutOfMemory extends Error {}

/** From so many pixels on a failed decoding is more likely the device's fault than the file's. */
const LARGE_PIXELS = 12_000_000;

/**
 * @typedef {object} Picture
 * @property {number} width - Upright.
 * @property {number} height
 * @property {AsyncIterable<{pixels: Uint8ClampedArray, rows: number}>} strips - Read once. `pixels` may be reused.
 * @property {() => void} close - Gives the decoded copy back; safe to call twice.
 * @property {boolean} manyFrames - There are more pictures in the file than this, the first or the primary one.
 */
/**
 * @typedef {{open: (file: Blob, orientation: number) => Promise<Picture>, lose: () => void}} Elsewhere - As in strips.js.
 *
 * @typedef {object} Decoders
 * @property {boolean} here - Whether this thread can decode and draw.
 * @property {Elsewhere} [canvas] - The page, where this thread cannot.
 * @property {Elsewhere} [heic] - libheif.
 */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes - The whole file.
 * @param {import("./media.js").PictureFormat} format
 * @param {Decoders} decoders
 * @returns {Promise<Picture>}
 * @throws {TooManyPixels | CannotDecode | OutOfMemory}
 */
export async function openPicture(bytes, format, decoders) {
  const plain = plainPicture(bytes, format);
  // Before decoding: a file of ten kilobytes may declare gigabytes.
  if (plain.width * plain.height > MAX_PIXELS) throw new TooManyPixels();
  const layout = format === "png" && plain.orientation === 1 ? spoiledByCanvas(bytes) : null;
  if (layout !== null) {
    const { width, height } = layout;
    const strips = orCannotDecode(pngStrips(bytes, layout));
    return { width, height, strips, close: () => {}, manyFrames: plain.manyFrames };
  }
  try {
    const picture = await openByBrowser(new Blob(plain.parts, { type: `image/${format}` }), plain.orientation, decoders);
    return { ...picture, manyFrames: plain.manyFrames };
  } catch (error) {
    if (!(error instanceof CannotDecode)) throw error;
    if (format === "heic" && decoders.heic) return decoders.heic.open(new Blob([bytes]), 1);
    throw plain.width * plain.height >= LARGE_PIXELS ? new OutOfMemory(error.message) : error;
  }
}

/**
 * @param {Blob} file
 * @param {number} orientation
 * @param {Decoders} decoders
 */
async function openByBrowser(file, orientation, { here, canvas }) {
  if (here) return openBitmap(await decode(file), orientation, offscreenContext);
  if (canvas) return canvas.open(file, orientation);
  throw new CannotDecode("nothing to draw on");
}

/**
 * @typedef {{width: number, height: number} & CanvasImageSource} Drawable
 * @typedef {Pick<OffscreenCanvasRenderingContext2D, "setTransform" | "drawImage" | "getImageData"
 *   | "imageSmoothingEnabled" | "globalCompositeOperation">} Context - Of a canvas here or on the page.
 */

/**
 * @param {Drawable} bitmap
 * @param {number} orientation
 * @param {(width: number, height: number) => Context | null} makeContext
 * @returns {Picture}
 * @throws {TooManyPixels}
 */
export function openBitmap(bitmap, orientation, makeContext) {
  if (bitmap.width * bitmap.height > MAX_PIXELS) throw new TooManyPixels();
  const turned = orientation > 4;
  const width = turned ? bitmap.height : bitmap.width;
  const height = turned ? bitmap.width : bitmap.height;
  const strips = canvasStrips(bitmap, orientation, { width, height }, makeContext);
  const close = () => {
    if ("close" in bitmap) bitmap.close();
  };
  return { width, height, strips, close, manyFrames: false };
}

/**
 * @param {number} width
 * @param {number} height
 */
function offscreenContext(width, height) {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}

/**
 * @template T
 * @param {AsyncIterable<T>} strips
 */
async function* orCannotDecode(strips) {
  try {
    yield* strips;
  } catch (error) {
    throw new CannotDecode(String(error));
  }
}

/** @param {Blob} blob */
export async function decode(blob) {
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch (error) {
    throw new CannotDecode(String(error));
  }
}

/**
 * @param {Drawable} bitmap
 * @param {number} orientation
 * @param {{width: number, height: number}} size - Upright.
 * @param {(width: number, height: number) => Context | null} makeContext
 */
async function* canvasStrips(bitmap, orientation, { width, height }, makeContext) {
  const rows = Math.min(height, STRIP_ROWS, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  const context = makeContext(width, rows);
  if (context === null) throw new OutOfMemory("no 2D canvas");
  context.imageSmoothingEnabled = false;
  context.globalCompositeOperation = "copy"; // nothing of the strip before shines through
  const [a, b, c, d, e, f] = uprightTransform(orientation, width, height);
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.setTransform(a, b, c, d, e, f - top);
    context.drawImage(bitmap, 0, 0);
    yield { pixels: context.getImageData(0, 0, width, count).data, rows: count };
  }
}

/**
 * The canvas transform that turns a stored picture upright (EXIF 2.3, tag 0x0112).
 *
 * @param {number} orientation - 1 to 8.
 * @param {number} width - Of the upright picture.
 * @param {number} height
 * @returns {[number, number, number, number, number, number]}
 */
export function uprightTransform(orientation, width, height) {
  switch (orientation) {
    case 2: return [-1, 0, 0, 1, width, 0];
    case 3: return [-1, 0, 0, -1, width, height];
    case 4: return [1, 0, 0, -1, 0, height];
    case 5: return [0, 1, 1, 0, 0, 0];
    case 6: return [0, 1, -1, 0, width, 0];
    case 7: return [0, -1, -1, 0, width, height];
    case 8: return [0, -1, 1, 0, 0, height];
    default: return [1, 0, 0, 1, 0, 0];
  }
}
