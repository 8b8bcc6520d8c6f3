import assert from "node:assert/strict";
import { test } from "node:test";

import { exifOrientation, plainPicture } from "../../submissions/static/submissions/js/image-metadata.js";

/** @param {...(string | number[] | Uint8Array)} parts */
function bytes(...parts) {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(/** @type {any} */ (part), "latin1"))));
}

/** @param {import("../../submissions/static/submissions/js/image-metadata.js").PlainPicture} plain */
function joined({ parts }) {
  return Buffer.concat(parts).toString("latin1");
}

/** @param {number} value */
function bigEndian(value) {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** @param {number} value */
function littleEndian(value) {
  return bigEndian(value).reverse();
}

/**
 * @param {number} orientation
 * @param {"II" | "MM"} order
 */
function exif(orientation, order) {
  const little = order === "II";
  const tiff = new Uint8Array(26);
  const view = new DataView(tiff.buffer);
  tiff.set(bytes(order));
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, 1, little);
  view.setUint16(10, 0x0112, little);
  view.setUint16(12, 3, little);
  view.setUint32(14, 1, little);
  view.setUint16(18, orientation, little);
  return tiff;
}

/**
 * @param {number} marker
 * @param {Uint8Array} body
 */
function segment(marker, body) {
  return bytes([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255], body);
}

/**
 * @param {string} type
 * @param {Uint8Array} body
 */
function chunk(type, body) {
  return bytes(bigEndian(body.length), type, body, [1, 2, 3, 4]);
}

/**
 * @param {string} type
 * @param {...Uint8Array} body
 */
function box(type, ...body) {
  const inside = bytes(...body);
  return bytes(bigEndian(inside.length + 8), type, inside);
}

test("EXIF orientation is read in both byte orders, and nonsense is upright", () => {
  for (const order of /** @type {const} */ (["II", "MM"])) {
    assert.deepEqual([0, 1, 6, 8, 9].map((value) => exifOrientation(exif(value, order))), [1, 1, 6, 8, 1]);
  }
  assert.equal(exifOrientation(bytes("II")), 1);
  assert.equal(exifOrientation(bytes("MM", [0, 42], bigEndian(0xffffffff))), 1);
});

test("a JPEG loses profile and EXIF and keeps what its decoder needs", () => {
  const frame = segment(0xc0, bytes([8, 0, 30, 0, 40, 1, 1, 0x11, 0]));
  const adobe = segment(0xee, bytes("Adobe", [0, 100, 0, 0, 0, 0, 2]));
  const scan = bytes([0xff, 0xda, 0, 2], "scan data \xff\xe2 stays", [0xff, 0xd9]);
  const file = bytes(
    [0xff, 0xd8],
    segment(0xe0, bytes("JFIF\0")),
    segment(0xe1, bytes("Exif\0\0", exif(6, "MM"))),
    [0xff], // a fill byte
    segment(0xe2, bytes("ICC_PROFILE\0\x01\x01profile")),
    adobe,
    frame,
    scan,
  );
  const plain = plainPicture(file, "jpeg");
  assert.deepEqual([plain.orientation, plain.width, plain.height], [6, 40, 30]);
  const kept = bytes([0xff, 0xd8], segment(0xe0, bytes("JFIF\0")), adobe, frame, scan);
  assert.equal(joined(plain), Buffer.from(kept).toString("latin1"));
});

test("a PNG loses colour spaces, transparency, orientation and animation", () => {
  const head = bytes([0x89], "PNG\r\n\x1a\n", chunk("IHDR", bytes(bigEndian(7), bigEndian(5), [8, 2, 0, 0, 0])));
  const cut = ["iCCP", "gAMA", "cHRM", "sRGB", "cICP", "tRNS", "acTL", "fcTL", "fdAT"].map((type) => chunk(type, bytes("x")));
  const body = bytes(chunk("PLTE", bytes("abc")), chunk("IDAT", bytes("data")), chunk("IEND", bytes("")));
  const plain = plainPicture(bytes(head, ...cut, chunk("eXIf", exif(3, "II")), body), "png");
  assert.deepEqual([plain.orientation, plain.width, plain.height], [3, 7, 5]);
  assert.equal(joined(plain), Buffer.from(bytes(head, body)).toString("latin1"));
});

test("a WebP loses profile, EXIF and its alpha plane; flags and length say so", () => {
  /** @type {(type: string, body: Uint8Array) => Uint8Array} */
  const part = (type, body) => bytes(type, littleEndian(body.length), body, body.length % 2 ? [0] : []);
  const body = bytes(
    part("VP8X", bytes([0x3c, 0, 0, 0, 99, 0, 0, 49, 0, 0])),
    part("ICCP", bytes("odd")),
    part("ALPH", bytes("alpha!")),
    part("VP8 ", bytes("frame")),
    part("EXIF", bytes("Exif\0\0", exif(8, "II"))),
  );
  const plain = plainPicture(bytes("RIFF", littleEndian(body.length + 4), "WEBP", body), "webp");
  assert.deepEqual([plain.orientation, plain.width, plain.height], [8, 100, 50]);
  const kept = bytes(part("VP8X", bytes([0, 0, 0, 0, 99, 0, 0, 49, 0, 0])), part("VP8 ", bytes("frame")));
  assert.equal(joined(plain), Buffer.from(bytes("RIFF", littleEndian(kept.length + 4), "WEBP", kept)).toString("latin1"));
});

test("an AVIF's profile and alpha are disarmed without moving a byte", () => {
  const size = box("ispe", bytes([0, 0, 0, 0], bigEndian(300), bigEndian(200)));
  const alpha = box("auxC", bytes([0, 0, 0, 0], "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"));
  const properties = box("ipco", size, box("colr", bytes("prof", "profile")), box("colr", bytes("nclx", "..")), alpha);
  const file = bytes(
    box("ftyp", bytes("avif\0\0\0\0")),
    box("meta", bytes([0, 0, 0, 0]), box("hdlr", bytes("pict")), box("iprp", properties)),
    box("mdat", bytes("colrprof stays")),
  );
  const plain = plainPicture(file, "avif");
  assert.deepEqual([plain.orientation, plain.width, plain.height], [1, 300, 200]);
  const before = Buffer.from(file).toString("latin1");
  assert.equal(joined(plain), before.replace("colrprof", "freeprof").replace("auxiliary:alpha", "auxiliary:alphx"));
});

test("a GIF's first frames lose their transparent colour", () => {
  const screen = bytes("GIF89a", [10, 0, 20, 0, 0x80, 0, 0], [0, 0, 0, 255, 255, 255]);
  const comment = bytes([0x21, 0xfe, 3], "hey", [0]);
  const control = [0x21, 0xf9, 4, 0x05, 0, 0, 1, 0];
  const plain = plainPicture(bytes(screen, comment, control, [0x2c, 0x3b]), "gif");
  assert.deepEqual([plain.width, plain.height], [10, 20]);
  control[3] = 0x04;
  assert.equal(joined(plain), Buffer.from(bytes(screen, comment, control, [0x2c, 0x3b])).toString("latin1"));
});

test("damaged files never throw and never hang, wherever they are cut or bent", () => {
  const whole = {
    jpeg: bytes([0xff, 0xd8], segment(0xe1, bytes("Exif\0\0", exif(6, "MM"))), [0xff, 0xda]),
    png: bytes([0x89], "PNG\r\n\x1a\n", chunk("IHDR", bytes(bigEndian(7), bigEndian(5))), chunk("eXIf", exif(3, "II"))),
    webp: bytes("RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0", new Uint8Array(10), "EXIF\x1a\0\0\0", exif(2, "II")),
    avif: bytes(box("ftyp", bytes("avif")), box("meta", bytes([0, 0, 0, 0]), box("iprp", box("ipco", box("ispe", bytes("x")))))),
    gif: bytes("GIF89a", [10, 0, 20, 0, 0x80, 0, 0], new Uint8Array(6), [0x21, 0xf9, 4, 1, 0, 0, 0, 0, 0x2c]),
    bmp: bytes("BM", new Uint8Array(12), littleEndian(124), new Uint8Array(120)),
  };
  let random = 1;
  for (const [format, file] of Object.entries(whole)) {
    for (let length = 0; length <= file.length; length++) {
      plainPicture(file.slice(0, length), /** @type {any} */ (format));
    }
    for (let turn = 0; turn < 2000; turn++) {
      const bent = file.slice();
      random = (random * 48271) % 0x7fffffff;
      bent[random % bent.length] = random >> 8;
      const plain = plainPicture(bent, /** @type {any} */ (format));
      assert.ok(plain.orientation >= 1 && plain.orientation <= 8);
    }
  }
});
