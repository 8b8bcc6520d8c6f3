/**
 * PDQ: 256 bits that stay nearly the same when a picture is scaled, recompressed or recoloured.
 *
 * Algorithm and constants are Meta's (facebook/ThreatExchange pdq/README.md, hashing/hashing.pdf); the code is ours and
 * the twin of matching/hashing/pdq.py: tests/vectors/pdq.json binds both to the reference. Rows arrive in strips, so a
 * picture of 50 megapixels needs no more memory here than one row and 64 × 64 samples.
 */

const SIDE = 64;
const FREQUENCIES = 16;
const SMALLEST_SIDE = 5;

/** Coefficients closer to the median than this may fall on either side in single precision. */
const NEAR_MEDIAN = 0.01;
/** More of them than this: implementations may disagree about the picture (an exact mirror image of itself). */
const NEAR_SYMMETRIC = 16;
/** Brightest minus darkest sample, of 255, below which a picture shows nothing. */
const BLANK_SPREAD = 10;

/** A PDQ below it is not listed: flat pictures resemble each other. */
export const QUALITY_FLOOR = 50;

/**
 * @typedef {object} PdqHash
 * @property {string} value - 64 lowercase hexadecimal digits, highest frequency first.
 * @property {number} quality - 0 to 100: how much structure the picture has.
 * @property {number} nearMedian - How many of the 256 coefficients lie within rounding of the median.
 * @property {boolean} nearSymmetric
 * @property {boolean} blank
 */

/**
 * The filter of one axis: output i is the weighted mean of the samples from `first[i]` on.
 *
 * @typedef {object} AxisFilter
 * @property {Int32Array} first
 * @property {Float64Array[]} weights
 */

/** Takes a picture row by row and answers its hash. */
export class PdqStream {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.tooSmall = Math.min(width, height) < SMALLEST_SIDE;
    this.across = axisFilter(width);
    this.down = axisFilter(height);
    this.samples = new Float64Array(SIDE * SIDE);
    this.luma = new Float64Array(width);
    this.filtered = new Float64Array(SIDE);
    this.row = 0;
    this.oldest = 0; // the first output row that still takes part
  }

  /**
   * @param {Uint8ClampedArray | Uint8Array} pixels - The next rows, red green blue alpha; alpha is not looked at.
   * @param {number} rows
   */
  addRgba(pixels, rows) {
    const { luma, width } = this;
    for (let row = 0, at = 0; row < rows; row++) {
      for (let x = 0; x < width; x++, at += 4) {
        luma[x] = 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
      }
      this.#addRow();
    }
  }

  /**
   * @param {ArrayLike<number>} plane - The next rows of brightness alone, 0 to 255.
   * @param {number} rows
   */
  addLuma(plane, rows) {
    for (let row = 0, at = 0; row < rows; row++, at += this.width) {
      for (let x = 0; x < this.width; x++) this.luma[x] = plane[at + x];
      this.#addRow();
    }
  }

  /** Filter `this.luma` along the row, then add it to the output rows that it belongs to. */
  #addRow() {
    const { luma, filtered, across, down, samples } = this;
    const y = this.row++;
    for (let column = 0; column < SIDE; column++) {
      const weights = across.weights[column];
      const first = across.first[column];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * luma[first + k];
      filtered[column] = sum;
    }
    while (this.oldest < SIDE && down.first[this.oldest] + down.weights[this.oldest].length <= y) this.oldest++;
    for (let output = this.oldest; output < SIDE && down.first[output] <= y; output++) {
      const weight = down.weights[output][y - down.first[output]];
      for (let column = 0; column < SIDE; column++) samples[output * SIDE + column] += weight * filtered[column];
    }
  }

  /**
   * @returns {PdqHash}
   * @throws {RangeError} When not all rows have come.
   */
  finish() {
    if (this.row !== this.height) throw new RangeError(`${this.row} of ${this.height} rows`);
    if (this.tooSmall) {
      return { value: "0".repeat(64), quality: 0, nearMedian: 256, nearSymmetric: true, blank: true };
    }
    return hashOfSamples(this.samples);
  }
}

/**
 * Two box filters and the sampling along one axis, as one sparse matrix of 64 rows.
 *
 * @param {number} length
 * @returns {AxisFilter}
 */
export function axisFilter(length) {
  const first = new Int32Array(SIDE);
  /** @type {Float64Array[]} */
  const weights = [];
  for (let output = 0; output < SIDE; output++) {
    const [start, end] = boxWindow(Math.floor(((output + 0.5) * length) / SIDE), length);
    const lowest = boxWindow(start, length)[0];
    const row = new Float64Array(boxWindow(end - 1, length)[1] - lowest);
    for (let middle = start; middle < end; middle++) {
      const [from, to] = boxWindow(middle, length);
      const share = 1 / ((end - start) * (to - from));
      for (let k = from; k < to; k++) row[k - lowest] += share;
    }
    first[output] = lowest;
    weights.push(row);
  }
  return { first, weights };
}

/**
 * The samples one box filter averages: half a sixty-fourth of the axis, one more ahead than behind if even, cut off at
 * the picture's edge.
 *
 * @param {number} centre
 * @param {number} length
 * @returns {[number, number]} First and one past the last.
 */
function boxWindow(centre, length) {
  const size = Math.ceil(length / (2 * SIDE));
  const ahead = Math.floor(size / 2);
  const behind = size - 1 - ahead;
  return [Math.max(0, centre - behind), Math.min(length, centre + ahead + 1)];
}

/** `DCT[frequency * 64 + position]` for frequencies 1 to 16; 0, the mean brightness, is left out. */
const DCT = Float64Array.from({ length: FREQUENCIES * SIDE }, (_, at) => {
  const frequency = Math.floor(at / SIDE) + 1;
  const position = 2 * (at % SIDE) + 1;
  return Math.sqrt(2 / SIDE) * Math.cos((Math.PI / (2 * SIDE)) * frequency * position);
});

/**
 * @param {Float64Array} samples - 64 × 64, row by row.
 * @returns {PdqHash}
 */
function hashOfSamples(samples) {
  const coefficients = transform(samples);
  // The lower of the two middle values, so that exactly half of distinct coefficients are above it.
  const median = Float64Array.from(coefficients).sort()[127];
  // The median itself is always near the median.
  const nearMedian = coefficients.filter((value) => Math.abs(value - median) <= NEAR_MEDIAN).length - 1;
  return {
    value: hex(coefficients, median),
    quality: quality(samples),
    nearMedian,
    nearSymmetric: nearMedian > NEAR_SYMMETRIC,
    blank: spread(samples) < BLANK_SPREAD,
  };
}

/**
 * @param {Float64Array} samples
 * @returns {Float64Array} 16 × 16 coefficients.
 */
function transform(samples) {
  const half = new Float64Array(FREQUENCIES * SIDE);
  const full = new Float64Array(FREQUENCIES * FREQUENCIES);
  for (let i = 0; i < FREQUENCIES; i++) {
    for (let j = 0; j < SIDE; j++) {
      for (let k = 0; k < SIDE; k++) half[i * SIDE + j] += DCT[i * SIDE + k] * samples[k * SIDE + j];
    }
  }
  for (let i = 0; i < FREQUENCIES; i++) {
    for (let j = 0; j < FREQUENCIES; j++) {
      for (let k = 0; k < SIDE; k++) full[i * FREQUENCIES + j] += half[i * SIDE + k] * DCT[j * SIDE + k];
    }
  }
  return full;
}

/**
 * @param {Float64Array} coefficients
 * @param {number} median
 */
function hex(coefficients, median) {
  let digits = "";
  for (let last = coefficients.length - 1; last > 0; last -= 4) {
    let digit = 0;
    for (let bit = 0; bit < 4; bit++) digit = digit * 2 + (coefficients[last - bit] > median ? 1 : 0);
    digits += digit.toString(16);
  }
  return digits;
}

/**
 * Steps between neighbouring samples in whole percent, summed; 90 of them are one point. Single precision as in the
 * reference, because truncation makes the last bit count.
 *
 * @param {Float64Array} samples
 */
function quality(samples) {
  const single = Float32Array.from(samples);
  let steps = 0;
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const at = row * SIDE + column;
      if (row + 1 < SIDE) steps += percent(single[at + SIDE] - single[at]);
      if (column + 1 < SIDE) steps += percent(single[at + 1] - single[at]);
    }
  }
  return Math.min(100, Math.floor(steps / 90));
}

/** @param {number} step */
function percent(step) {
  return Math.abs(Math.trunc(Math.fround(Math.fround(Math.fround(step) * 100) / 255)));
}

/** @param {Float64Array} samples */
function spread(samples) {
  return samples.reduce((a, b) => Math.max(a, b)) - samples.reduce((a, b) => Math.min(a, b));
}
