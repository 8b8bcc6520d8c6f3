/** One file's way from bytes to fingerprints. Nothing here knows its name, keeps it, or could send it anywhere. */

import { CannotDecode, OutOfMemory, TooManyPixels, openPicture } from "./decode.js";
import { digestsOf } from "./digests.js";
import { HEAD_BYTES, kindOf } from "./media.js";
import { PdqStream, QUALITY_FLOOR } from "./pdq.js";

/** A picture file is read into memory whole; of a larger one only the exact hashes are made. */
const LARGEST_PICTURE_BYTES = 200_000_000;
/** Formats that many browsers cannot read: their exact hashes are still worth sending. */
const RARELY_READ = ["heic", "avif", "tiff", "jxl"];

/** @typedef {{type: "pdq" | "md5" | "sha256", value: string, quality?: number}} Fingerprint */
/**
 * @typedef {"low_quality" | "near_symmetric" | "no_picture_fingerprint" | "many_frames" | "no_md5"} Notice
 * `low_quality`: too little structure for a PDQ, only exact copies can be stopped. `near_symmetric`: the picture is its
 * own mirror image, edited copies may be missed. `no_picture_fingerprint`: this browser cannot read the picture, or it
 * is too large for this device: only exact copies can be stopped. `many_frames`: the file holds several pictures or
 * moves; the first, or the one it names as primary, got the fingerprint. `no_md5`: WebAssembly is missing.
 */
/**
 * @typedef {object} Fingerprints
 * @property {"image" | "video"} media
 * @property {Fingerprint[]} fingerprints
 * @property {Notice[]} notices
 * @property {number} width - Upright; 0 when the picture was not decoded.
 * @property {number} height
 */
/**
 * @typedef {object} Surroundings
 * @property {import("./digests.js").Hashers | null} hashers
 * @property {import("./decode.js").Decoders} decoders
 * @property {(done: number, total: number, stage: Stage) => Promise<void>} onProgress - May throw to stop.
 */
/** @typedef {"digests" | "picture"} Stage */
/**
 * @typedef {"empty_file" | "not_a_picture" | "cannot_decode" | "too_large" | "blank" | "cancelled"} Failure
 * `cannot_decode`: damaged, or it could not be read from the device. `too_large`: not even its exact hashes can be made,
 * since WebAssembly is missing.
 */

/** The file cannot be fingerprinted, for a reason that the page puts into kind words. */
export class Unusable extends Error {
  /** @param {Failure} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * @param {Blob} file
 * @param {Surroundings} surroundings
 * @returns {Promise<Fingerprints>}
 * @throws {Unusable}
 */
export async function fingerprint(file, surroundings) {
  if (file.size === 0) throw new Unusable("empty_file");
  const kind = kindOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (kind === null) throw new Unusable("not_a_picture");
  return kind.media === "video"
    ? fingerprintVideo(file, surroundings)
    : fingerprintPicture(file, kind.format, surroundings);
}

/**
 * @param {Blob} file
 * @param {Surroundings} surroundings
 * @returns {Promise<Fingerprints>}
 */
async function fingerprintVideo(file, { hashers, onProgress }) {
  const fingerprints = await digestsOf(file, hashers, (done) => onProgress(done, file.size, "digests"));
  if (fingerprints.length === 0) throw new Unusable("too_large");
  return { media: "video", fingerprints, notices: noticesAbout(hashers), width: 0, height: 0 };
}

/**
 * @param {Blob} file
 * @param {import("./media.js").PictureFormat} format
 * @param {Surroundings} surroundings
 * @returns {Promise<Fingerprints>}
 */
async function fingerprintPicture(file, format, { hashers, decoders, onProgress }) {
  // Both halves count in bytes: reading the file, then reading the picture in it.
  const total = 2 * file.size;
  /** @param {number} share */
  const onShare = (share) => onProgress(Math.round(share * file.size), total, "picture");
  const seen = file.size > LARGEST_PICTURE_BYTES ? null : await look(file, format, decoders, onShare);
  const digests = await digestsOf(file, hashers, (done) => onProgress(file.size + done, total, "digests"));
  const notices = noticesAbout(hashers);
  if (seen === null && digests.length === 0) throw new Unusable("too_large");
  if (seen?.manyFrames) notices.unshift("many_frames");
  if (seen === null) {
    return { media: "image", fingerprints: digests, notices: ["no_picture_fingerprint", ...notices], width: 0, height: 0 };
  }
  return { media: "image", ...judge(seen.hash, digests, notices), width: seen.width, height: seen.height };
}

/** @param {import("./digests.js").Hashers | null} hashers */
function noticesAbout(hashers) {
  return /** @type {Notice[]} */ (hashers === null ? ["no_md5"] : []);
}

/**
 * @param {import("./pdq.js").PdqHash} hash
 * @param {Fingerprint[]} digests
 * @param {Notice[]} notices
 * @returns {{fingerprints: Fingerprint[], notices: Notice[]}}
 */
function judge(hash, digests, notices) {
  if (hash.quality < QUALITY_FLOOR) return { fingerprints: digests, notices: ["low_quality", ...notices] };
  return {
    fingerprints: [{ type: "pdq", value: hash.value, quality: hash.quality }, ...digests],
    notices: hash.nearSymmetric ? ["near_symmetric", ...notices] : notices,
  };
}

/**
 * Decode and hash a picture; null if this browser cannot read a format that it need not know, or has no room for it.
 *
 * @param {Blob} file
 * @param {import("./media.js").PictureFormat} format
 * @param {import("./decode.js").Decoders} decoders
 * @param {(share: number) => Promise<void>} onShare - How much of the picture has been hashed, 0 to 1.
 */
async function look(file, format, decoders, onShare) {
  try {
    const seen = await hashPicture(new Uint8Array(await file.arrayBuffer()), format, decoders, onShare);
    if (seen.hash.blank) throw new Unusable("blank");
    return seen;
  } catch (error) {
    // Browsers say that an array is too large with a RangeError.
    if (error instanceof TooManyPixels || error instanceof OutOfMemory || error instanceof RangeError) return null;
    if (error instanceof CannotDecode && RARELY_READ.includes(format)) return null;
    if (error instanceof CannotDecode) throw new Unusable("cannot_decode");
    throw error;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {import("./media.js").PictureFormat} format
 * @param {import("./decode.js").Decoders} decoders
 * @param {(share: number) => Promise<void>} onShare
 */
export async function hashPicture(bytes, format, decoders, onShare) {
  const picture = await openPicture(bytes, format, decoders);
  try {
    const { width, height, manyFrames } = picture;
    const stream = new PdqStream(width, height);
    for await (const { pixels, rows } of picture.strips) {
      stream.addRgba(pixels, rows);
      await onShare(stream.row / height);
    }
    return { hash: stream.finish(), width, height, manyFrames };
  } finally {
    picture.close();
  }
}
