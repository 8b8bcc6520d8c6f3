/** Draws the pictures of tests/vectors/pdq.json as tests/pictures.py does. */

import { readFileSync } from "node:fs";

/**
 * @typedef {object} Vector
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {number[][][]} channels - For each channel its waves: across, down, twist, phase.
 * @property {string} pdq
 * @property {number} quality
 */

/** @type {Vector[]} */
export const VECTORS = JSON.parse(readFileSync(new URL("../vectors/pdq.json", import.meta.url), "utf8")).drawn;

/**
 * @param {Pick<Vector, "width" | "height" | "channels">} recipe
 * @returns {Uint8ClampedArray<ArrayBuffer>} Red green blue alpha.
 */
export function draw({ width, height, channels }) {
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  channels.forEach((waves, channel) => {
    for (let y = 0, at = channel; y < height; y++) {
      for (let x = 0; x < width; x++, at += 4) pixels[at] = Math.min(255, mean(waves, x, y));
    }
  });
  return pixels;
}

/**
 * @param {number[][]} waves
 * @param {number} x
 * @param {number} y
 */
function mean(waves, x, y) {
  let sum = 0;
  for (const [across, down, twist, phase] of waves) {
    sum += Math.abs(modulo(x * across + y * down + Math.floor((x * y * twist) / 256) + phase, 512) - 256);
  }
  return Math.floor(sum / waves.length);
}

/**
 * @param {number} a
 * @param {number} b
 */
function modulo(a, b) {
  return ((a % b) + b) % b;
}
