/**
 * A picture's bytes without what makes decoders disagree: colour profiles, gamma, EXIF, transparency.
 *
 * Browsers differ in which profiles they apply and whether they can be told not to (WebKit cannot), and a canvas loses
 * the colours under transparent pixels. Python's reference decodes the stored numbers and turns the picture by its EXIF
 * orientation. Cutting the bytes first makes every browser do the same; the orientation is read here and applied by the
 * caller. Only the copy that goes to the decoder is cut: the digests cover the file as it is.
 */

import { text } from "./media.js";

/**
 * @typedef {object} PlainPicture
 * @property {Uint8Array<ArrayBuffer>[]} parts - The cut file; mostly views into the original.
 * @property {number} orientation - EXIF, 1 to 8.
 * @property {number} width - As stored, before turning; 0 if unknown.
 * @property {number} height
 * @property {boolean} manyFrames - It moves, or holds several pictures.
 */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes - The whole file.
 * @param {import("./media.js").PictureFormat} format
 * @returns {PlainPicture} A damaged file comes back as far as it was understood, uncut after that.
 */
export function plainPicture(bytes, format) {
  try {
    return (PLAIN[format] ?? asItIs)(bytes);
  } catch (error) {
    if (error instanceof RangeError) return asItIs(bytes); // a length pointed past the end
    throw error;
  }
}

/** @type {Partial<Record<string, (bytes: Uint8Array<ArrayBuffer>) => PlainPicture>>} */
const PLAIN = { jpeg: plainJpeg, png: plainPng, webp: plainWebp, avif: plainIso, heic: plainIso, gif: plainGif, bmp: plainBmp };

/** @param {Uint8Array<ArrayBuffer>} bytes */
function asItIs(bytes) {
  return { parts: [bytes], orientation: 1, width: 0, height: 0, manyFrames: false };
}

/** @param {Uint8Array} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// --- JPEG ----------------------------------------------------------------------------------------------------------

const APP1 = 0xe1; // EXIF, XMP
const APP2 = 0xe2; // ICC profile, multi-picture index (gain maps)
const START_OF_SCAN = 0xda;

/** @param {Uint8Array<ArrayBuffer>} bytes */
function plainJpeg(bytes) {
  const view = viewOf(bytes);
  const plain = { ...asItIs(bytes), parts: [bytes.subarray(0, 2)] };
  let at = 2;
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    if (marker === START_OF_SCAN) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (isStartOfFrame(marker)) {
      plain.height = view.getUint16(at + 5);
      plain.width = view.getUint16(at + 7);
    }
    if (marker === APP1 && text(bytes, at + 4, 6) === "Exif\0\0") {
      plain.orientation = exifOrientation(bytes.subarray(at + 10, end));
    }
    if (marker !== APP1 && marker !== APP2) plain.parts.push(bytes.subarray(at, end));
    at = end;
  }
  plain.parts.push(bytes.subarray(at));
  return plain;
}

/** @param {number} marker */
function isStartOfFrame(marker) {
  // C4, C8 and CC lie in the range but are tables and extensions.
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/**
 * @param {Uint8Array} tiff - An EXIF block from its byte order mark on.
 * @returns {number} 1 to 8; 1 when absent or nonsense.
 */
export function exifOrientation(tiff) {
  if (tiff.length < 8) return 1;
  const view = viewOf(tiff);
  const little = text(tiff, 0, 2) === "II";
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0, at = directory + 2; entry < entries && at + 12 <= tiff.length; entry++, at += 12) {
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

// --- PNG -----------------------------------------------------------------------------------------------------------

/** Colour spaces, orientation, transparency of palettes, and animation (frame one is the plain picture). */
const PNG_CUT = ["iCCP", "gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI", "eXIf", "tRNS", "acTL", "fcTL", "fdAT"];

/** @param {Uint8Array<ArrayBuffer>} bytes */
function plainPng(bytes) {
  const view = viewOf(bytes);
  const plain = { ...asItIs(bytes), parts: [bytes.subarray(0, 8)] };
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + view.getUint32(at);
    const type = text(bytes, at + 4, 4);
    if (type === "IHDR") {
      plain.width = view.getUint32(at + 8);
      plain.height = view.getUint32(at + 12);
    }
    if (type === "acTL") plain.manyFrames = view.getUint32(at + 8) > 1;
    if (type === "eXIf") plain.orientation = exifOrientation(bytes.subarray(at + 8, end - 4));
    if (!PNG_CUT.includes(type)) plain.parts.push(bytes.subarray(at, end));
    at = end;
  }
  return plain;
}

// --- WebP ----------------------------------------------------------------------------------------------------------

const WEBP_CUT = ["ICCP", "EXIF", "XMP ", "ALPH"];
const WEBP_CUT_FLAGS = 0x20 | 0x08 | 0x04; // profile, EXIF, XMP
const WEBP_ALPHA_FLAG = 0x10;

/** @param {Uint8Array<ArrayBuffer>} bytes */
function plainWebp(bytes) {
  const view = viewOf(bytes);
  const plain = { ...asItIs(bytes), parts: [bytes.slice(0, 12)] };
  let at = 12;
  let frames = 0;
  while (at + 8 <= bytes.length) {
    const type = text(bytes, at, 4);
    const length = view.getUint32(at + 4, true);
    const end = Math.min(bytes.length, at + 8 + length + (length & 1));
    const body = bytes.subarray(at + 8, end);
    if (type === "EXIF") {
      plain.orientation = exifOrientation(text(body, 0, 6) === "Exif\0\0" ? body.subarray(6) : body);
    }
    if (!WEBP_CUT.includes(type)) plain.parts.push(webpChunk(type, bytes.slice(at, end), plain));
    if (type === "ANMF") plain.manyFrames = frames++ > 0;
    // Only with the channel itself: lossless pictures keep it among the colours, and without the flag Chromium would
    // take it for premultiplied (38 bits off; left alone, 2).
    if (type === "ALPH" && text(plain.parts[1], 0, 4) === "VP8X") plain.parts[1][8] &= ~WEBP_ALPHA_FLAG;
    at = end;
  }
  const size = plain.parts.reduce((sum, part) => sum + part.length, 0);
  viewOf(plain.parts[0]).setUint32(4, size - 8, true);
  return plain;
}

/**
 * @param {string} type
 * @param {Uint8Array<ArrayBuffer>} chunk - A copy, from its name on.
 * @param {PlainPicture} plain
 */
function webpChunk(type, chunk, plain) {
  const view = viewOf(chunk);
  if (type === "VP8X") {
    chunk[8] &= ~WEBP_CUT_FLAGS;
    plain.width = 1 + (view.getUint32(12, true) & 0xffffff); // 24 bits each
    plain.height = 1 + (view.getUint32(14, true) >>> 8);
  } else if (type === "VP8L") {
    const bits = view.getUint32(9, true);
    plain.width ||= 1 + (bits & 0x3fff);
    plain.height ||= 1 + ((bits >>> 14) & 0x3fff);
  } else if (type === "VP8 ") {
    plain.width ||= view.getUint16(14, true) & 0x3fff;
    plain.height ||= view.getUint16(16, true) & 0x3fff;
  }
  return chunk;
}

// --- AVIF and HEIC -------------------------------------------------------------------------------------------------

/**
 * Profile and alpha are disarmed in place, since other boxes point at absolute offsets. Orientation here is a property
 * of the picture (`irot`, `imir`) that every decoder applies; EXIF only repeats it.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function plainIso(bytes) {
  const plain = { ...asItIs(bytes), manyFrames: text(bytes, 8, 4) === "avis" };
  const meta = [...boxes(bytes, 0, bytes.length)].find((box) => box.type === "meta");
  if (meta === undefined) return plain;
  const head = bytes.slice(0, meta.end);
  const properties = find(head, [...boxes(head, meta.body + 4, meta.end)], "iprp");
  for (const property of find(head, properties, "ipco")) disarm(head, property, plain);
  plain.parts = [head, bytes.subarray(meta.end)];
  return plain;
}

/**
 * @param {Uint8Array} head
 * @param {Box} property
 * @param {PlainPicture} plain
 */
function disarm(head, { type, start, body, end }, plain) {
  const view = viewOf(head);
  if (type === "colr" && ["prof", "rICC"].includes(text(head, body, 4))) head.set([0x66, 0x72, 0x65, 0x65], start + 4);
  // An auxiliary picture of a kind that nobody knows is ignored.
  if (type === "auxC" && text(head, body + 4, end - body - 4).includes("alpha")) head[end - 2] = 0x78;
  if (type === "ispe" && view.getUint32(body + 4) * view.getUint32(body + 8) > plain.width * plain.height) {
    plain.width = view.getUint32(body + 4);
    plain.height = view.getUint32(body + 8);
  }
}

/** @typedef {{type: string, start: number, body: number, end: number}} Box */

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {Generator<Box>}
 */
function* boxes(bytes, start, end) {
  const view = viewOf(bytes);
  for (let at = start; at + 8 <= end; ) {
    const short = view.getUint32(at);
    const long = short === 1 ? Number(view.getBigUint64(at + 8)) : 0;
    const size = short === 0 ? end - at : long || short;
    if (size < 8) return; // would never end
    yield { type: text(bytes, at + 4, 4), start: at, body: at + (long ? 16 : 8), end: Math.min(end, at + size) };
    at += size;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {Box[]} among
 * @param {string} type
 * @returns {Box[]} What is inside the first box of that type.
 */
function find(bytes, among, type) {
  const box = among.find((candidate) => candidate.type === type);
  return box === undefined ? [] : [...boxes(bytes, box.body, box.end)];
}

// --- GIF and BMP ---------------------------------------------------------------------------------------------------

/** @param {Uint8Array<ArrayBuffer>} bytes */
function plainGif(bytes) {
  const view = viewOf(bytes);
  const copy = bytes.slice();
  const plain = { ...asItIs(copy), width: view.getUint16(6, true), height: view.getUint16(8, true) };
  let at = 13 + colourTableBytes(view.getUint8(10));
  while (view.getUint8(at) === 0x21) {
    if (view.getUint8(at + 1) === 0xf9) copy[at + 3] &= ~1; // graphic control: no transparent colour
    at += 2;
    at = pastSubBlocks(view, at);
  }
  plain.manyFrames = gifHasTwoPictures(view, at);
  return plain;
}

/**
 * @param {DataView} view
 * @param {number} at - The first picture's descriptor.
 */
function gifHasTwoPictures(view, at) {
  for (let pictures = 0; at < view.byteLength; ) {
    const block = view.getUint8(at);
    if (block === 0x2c) {
      if (++pictures === 2) return true;
      at += 11 + (at + 9 < view.byteLength ? colourTableBytes(view.getUint8(at + 9)) : 0);
    } else if (block === 0x21) at += 2;
    else return false;
    at = pastSubBlocks(view, at);
  }
  return false;
}

/**
 * @param {DataView} view
 * @param {number} at
 */
function pastSubBlocks(view, at) {
  while (at < view.byteLength && view.getUint8(at) !== 0) at += 1 + view.getUint8(at);
  return at + 1;
}

/** @param {number} flags */
function colourTableBytes(flags) {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

const SRGB = 0x73524742;

/** @param {Uint8Array<ArrayBuffer>} bytes */
function plainBmp(bytes) {
  const view = viewOf(bytes);
  const header = view.getUint32(14, true);
  if (header < 40) return { ...asItIs(bytes), width: view.getUint16(18, true), height: view.getUint16(20, true) };
  const size = { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
  if (header < 108) return { ...asItIs(bytes), ...size };
  const copy = bytes.slice();
  viewOf(copy).setUint32(70, SRGB, true); // the colour space of version 4 and 5 headers
  return { ...asItIs(copy), ...size };
}
