import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { pngStrips, spoiledByCanvas } from "../../submissions/static/submissions/js/png.js";

/**
 * @param {{width: number, height: number, depth: number, colour: number, interlace?: number}} header
 * @param {Uint8Array} lines - With their filter bytes.
 * @param {number} pieces - IDAT chunks.
 */
function png({ width, height, depth, colour, interlace = 0 }, lines, pieces = 1) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, colour, 0, 0, interlace], 8);
  const data = deflateSync(lines);
  const size = Math.ceil(data.length / pieces);
  const chunks = Array.from({ length: pieces }, (_, at) => chunk("IDAT", data.subarray(at * size, (at + 1) * size)));
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Uint8Array.from(Buffer.concat([signature, chunk("IHDR", head), ...chunks, chunk("IEND", Buffer.alloc(0))]));
}

/**
 * @param {string} type
 * @param {Buffer} body
 */
function chunk(type, body) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(type), body, Buffer.alloc(4)]);
}

/** @param {Uint8Array<ArrayBuffer>} file */
async function decoded(file) {
  const layout = spoiledByCanvas(file);
  assert.ok(layout);
  const strips = [];
  for await (const { pixels, rows } of pngStrips(file, layout)) strips.push([...pixels.subarray(0, rows * layout.width * 4)]);
  return strips.flat();
}

/** One row of each filter over the same picture of 3 × 5, written by the specification's definitions. */
function filtered() {
  const rows = Array.from({ length: 5 }, (_, y) => Array.from({ length: 12 }, (_, at) => (y * 53 + at * 31 + at * at) & 255));
  const lines = rows.map((row, filter) => [
    filter,
    ...row.map((value, at) => {
      const left = at < 4 ? 0 : row[at - 4];
      const up = filter ? rows[filter - 1][at] : 0;
      const corner = filter && at >= 4 ? rows[filter - 1][at - 4] : 0;
      const guess = left + up - corner;
      const nearest = [left, up, corner].reduce((a, b) => (Math.abs(guess - b) < Math.abs(guess - a) ? b : a));
      return (value - [0, left, up, (left + up) >> 1, nearest][filter]) & 255;
    }),
  ]);
  const opaque = rows.map((row) => row.map((value, at) => (at % 4 === 3 ? 255 : value)));
  return { lines: Uint8Array.from(lines.flat()), expected: opaque.flat() };
}

test("every filter is undone, over several chunks, and alpha is dropped", async () => {
  const { lines, expected } = filtered();
  for (const pieces of [1, 2, 5]) {
    const file = png({ width: 3, height: 5, depth: 8, colour: 6 }, lines, pieces);
    assert.deepEqual(await decoded(file), expected);
  }
});

test("of 16 bits the high byte counts, and grey fills all channels", async () => {
  const file = png({ width: 2, height: 1, depth: 16, colour: 0 }, Uint8Array.from([0, 10, 255, 20, 128]));
  assert.deepEqual(await decoded(file), [10, 10, 10, 255, 20, 20, 20, 255]);
});

test("many rows come in strips", async () => {
  const lines = Uint8Array.from({ length: 600 * 3 }, (_, at) => (at % 3 ? at : 0));
  const file = png({ width: 1, height: 600, depth: 8, colour: 4 }, lines);
  const layout = spoiledByCanvas(file);
  assert.ok(layout);
  const rows = [];
  for await (const strip of pngStrips(file, layout)) rows.push(strip.rows);
  assert.deepEqual(rows, [256, 256, 88]);
});

test("missing rows, damaged data and unknown filters are errors", async () => {
  const header = { width: 3, height: 5, depth: 8, colour: 6 };
  const { lines } = filtered();
  await assert.rejects(decoded(png(header, lines.slice(0, 40))));
  await assert.rejects(decoded(png(header, Uint8Array.from([9, ...lines.slice(1)]))));
  const damaged = png(header, lines);
  damaged.fill(0xee, 50, 58);
  await assert.rejects(decoded(damaged));
});

test("what the browser decodes as well is left to it", () => {
  const line = new Uint8Array(100);
  const layouts = [
    { width: 2, height: 1, depth: 8, colour: 2 },
    { width: 2, height: 1, depth: 8, colour: 3 },
    { width: 2, height: 1, depth: 1, colour: 0 },
    { width: 2, height: 1, depth: 8, colour: 6, interlace: 1 },
  ];
  for (const layout of layouts) assert.equal(spoiledByCanvas(png(layout, line)), null);
});
