import assert from "node:assert/strict";
import { test } from "node:test";

import { kindOf } from "../../submissions/static/submissions/js/media.js";

/** @param {string} head */
function kind(head) {
  const found = kindOf(Uint8Array.from(Buffer.from(head.padEnd(64, "\0"), "latin1")));
  return found && `${found.media} ${found.format}`;
}

const KNOWN = {
  "\xff\xd8\xff\xe0": "image jpeg",
  "\x89PNG\r\n\x1a\n": "image png",
  GIF87a: "image gif",
  GIF89a: "image gif",
  "BM\0\0\0\0\0\0\0\0\0\0\0\0\x28": "image bmp",
  "RIFF\0\0\0\0WEBP": "image webp",
  "\0\0\0\x1cftypavif\0\0\0\0": "image avif",
  "\0\0\0\x1cftypmif1\0\0\0\0mif1avif": "image avif",
  "\0\0\0\x18ftypheic\0\0\0\0mif1heic": "image heic",
  "II*\0": "image tiff",
  "MM\0*": "image tiff",
  "\xff\x0a": "image jxl",
  "\0\0\0\x18ftypisom\0\0\0\0mp42": "video mp4",
  "\0\0\0\x14ftyp3gp4\0\0\0\0": "video mp4",
  "\0\0\0\x14ftypqt  \0\0\0\0": "video mov",
  "\0\0\0\x08wide": "video mov",
  "\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm": "video webm",
  "\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska": "video mkv",
  "RIFF\0\0\0\0AVI LIST": "video avi",
  FLV: "video flv",
  "\0\0\x01\xba": "video mpeg",
};

for (const [head, expected] of Object.entries(KNOWN)) {
  test(`${JSON.stringify(head)} begins ${expected}`, () => assert.equal(kind(head), expected));
}

test("a transport stream is known by its repeating sync byte", () => {
  const head = new Uint8Array(600);
  for (const at of [0, 188, 376]) head[at] = 0x47;
  assert.deepEqual(kindOf(head), { media: "video", format: "ts" });
});

test("everything else is neither picture nor video", () => {
  const others = ["", "%PDF-1.7", "<svg>", "<html>", "BMW is a car", "RIFF\0\0\0\0WAVE", "ID3", "PK\x03\x04", "GIF88a", "OggS"];
  const brands = ["\0\0\0\x18ftypM4A ", "\0\0\0\x18ftypcrx "];
  assert.deepEqual([...others, ...brands].map(kind), Array(others.length + brands.length).fill(null));
});
