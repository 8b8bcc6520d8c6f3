import assert from "node:assert/strict";
import { test } from "node:test";

import { PdqStream, axisFilter } from "../../submissions/static/submissions/js/pdq.js";
import { VECTORS, draw } from "./pictures.js";

for (const vector of VECTORS) {
  test(`PDQ of the drawn picture ${vector.name} is the reference's`, () => {
    const stream = new PdqStream(vector.width, vector.height);
    stream.addRgba(draw(vector), vector.height);
    const { value, quality } = stream.finish();
    assert.deepEqual({ pdq: value, quality }, { pdq: vector.pdq, quality: vector.quality });
  });
}

test("PDQ does not depend on how rows are cut into strips", () => {
  const vector = named("640x480");
  const pixels = draw(vector);
  const stream = new PdqStream(vector.width, vector.height);
  for (let row = 0, rows = 1; row < vector.height; row += rows, rows = 1 + ((row * 7) % 91)) {
    const count = Math.min(rows, vector.height - row);
    stream.addRgba(pixels.subarray(row * vector.width * 4), count);
  }
  assert.equal(stream.finish().value, vector.pdq);
});

test("PDQ refuses to finish before all rows have come", () => {
  const stream = new PdqStream(100, 100);
  stream.addLuma(new Uint8Array(9900), 99);
  assert.throws(() => stream.finish(), RangeError);
});

test("PDQ of brightness alone is that of the same grey picture", () => {
  const { width, height } = named("200x300");
  const luma = draw(named("200x300")).filter((_, at) => at % 4 === 1);
  const grey = new Uint8ClampedArray(luma.length * 4).map((_, at) => luma[at >> 2]);
  const [one, other] = [new PdqStream(width, height), new PdqStream(width, height)];
  one.addLuma(luma, height);
  other.addRgba(grey, height);
  assert.equal(one.finish().value, other.finish().value);
});

test("PDQ of a blank picture says so", () => {
  const stream = new PdqStream(300, 200);
  stream.addLuma(new Uint8Array(60000).fill(200), 200);
  const { blank, quality } = stream.finish();
  assert.deepEqual({ blank, quality }, { blank: true, quality: 0 });
});

test("PDQ of an exact mirror image says so where the filter mirrors too", () => {
  assert.deepEqual([mirrored(160), mirrored(200)], [true, false]);
});

test("an axis filter keeps brightness and never reads past the end", () => {
  for (const length of [5, 63, 64, 65, 127, 128, 129, 1000, 4032]) {
    const { first, weights } = axisFilter(length);
    weights.forEach((row, output) => {
      assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-12);
      assert.ok(first[output] >= 0 && first[output] + row.length <= length);
    });
  }
});

/** @param {string} name */
function named(name) {
  const vector = VECTORS.find((candidate) => candidate.name === name);
  assert.ok(vector);
  return vector;
}

/** @param {number} half */
function mirrored(half) {
  const { channels } = named("200x300");
  const pixels = draw({ width: half, height: 300, channels });
  const stream = new PdqStream(2 * half, 300);
  for (let row = 0; row < 300; row++) {
    const luma = Array.from({ length: half }, (_, x) => pixels[(row * half + x) * 4]);
    stream.addLuma([...luma, ...luma.toReversed()], 1);
  }
  return stream.finish().nearSymmetric;
}
