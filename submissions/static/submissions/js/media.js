/** What a file is, told from its bytes: names and declared types lie, and we never read the name. */

/** @typedef {"jpeg" | "png" | "gif" | "bmp" | "webp" | "avif" | "heic" | "tiff" | "jxl"} PictureFormat */
/** @typedef {{media: "image", format: PictureFormat} | {media: "video", format: string}} Kind */

/** How much of a file `kindOf` wants to see. */
export const HEAD_BYTES = 4096;

const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];
/** `ftyp` brands that are sound or raw sensor data, not something we can hash. */
const OTHER_BRANDS = ["M4A ", "M4B ", "M4P ", "crx "];
/** First boxes of QuickTime files older than `ftyp`. */
const OLD_MOVIE_BOXES = ["moov", "mdat", "wide", "free", "skip", "pnot"];

/**
 * @param {Uint8Array} head - The first bytes of a file.
 * @returns {Kind | null} Null when it is neither a picture nor a video we know.
 */
export function kindOf(head) {
  const format = pictureFormat(head);
  if (format !== null) return { media: "image", format };
  const video = videoFormat(head);
  return video === null ? null : { media: "video", format: video };
}

/**
 * @param {Uint8Array} head
 * @returns {PictureFormat | null}
 */
function pictureFormat(head) {
  if (startsWith(head, [0xff, 0xd8, 0xff])) return "jpeg";
  if (startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "png";
  if (text(head, 0, 6) === "GIF87a" || text(head, 0, 6) === "GIF89a") return "gif";
  if (text(head, 0, 2) === "BM" && [12, 40, 52, 56, 64, 108, 124].includes(head[14])) return "bmp";
  if (text(head, 0, 4) === "RIFF" && text(head, 8, 4) === "WEBP") return "webp";
  if (startsWith(head, [0x49, 0x49, 0x2a, 0]) || startsWith(head, [0x4d, 0x4d, 0, 0x2a])) return "tiff";
  if (startsWith(head, [0xff, 0x0a]) || startsWith(head, [0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20])) return "jxl";
  const brands = fileTypeBrands(head);
  if (brands.includes("avif") || brands.includes("avis")) return "avif";
  return HEIC_BRANDS.includes(brands[0]) ? "heic" : null;
}

/**
 * @param {Uint8Array} head
 * @returns {string | null}
 */
function videoFormat(head) {
  if (text(head, 4, 4) === "ftyp") {
    const brand = text(head, 8, 4);
    if (OTHER_BRANDS.includes(brand)) return null;
    return brand === "qt  " ? "mov" : "mp4";
  }
  if (OLD_MOVIE_BOXES.includes(text(head, 4, 4))) return "mov";
  if (startsWith(head, [0x1a, 0x45, 0xdf, 0xa3])) return text(head, 0, 64).includes("webm") ? "webm" : "mkv";
  if (text(head, 0, 4) === "RIFF" && text(head, 8, 4) === "AVI ") return "avi";
  if (text(head, 0, 3) === "FLV") return "flv";
  if (startsWith(head, [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])) return "wmv";
  if (startsWith(head, [0, 0, 1, 0xba]) || startsWith(head, [0, 0, 1, 0xb3])) return "mpeg";
  return [0, 188, 376].every((at) => head[at] === 0x47) ? "ts" : null;
}

/**
 * Major brand first, then the compatible ones, of an ISO base media file.
 *
 * @param {Uint8Array} head
 * @returns {string[]}
 */
function fileTypeBrands(head) {
  if (text(head, 4, 4) !== "ftyp") return [];
  const end = Math.min(new DataView(head.buffer, head.byteOffset).getUint32(0), head.length);
  const brands = [text(head, 8, 4)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text(head, at, 4));
  return brands;
}

/**
 * @param {Uint8Array} bytes
 * @param {number[]} prefix
 */
function startsWith(bytes, prefix) {
  return prefix.every((byte, at) => bytes[at] === byte);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} length
 */
export function text(bytes, at, length) {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
