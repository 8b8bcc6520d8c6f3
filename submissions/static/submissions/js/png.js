/**
 * The PNGs that a canvas would spoil: with an alpha channel (it multiplies the colours and loses those under
 * transparent pixels) or 16 bits a channel (browsers round, Pillow keeps the high byte). Decoded here, row by row.
 */

/** Channels for each colour type that is read here. */
const CHANNELS = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 4: 2, 6: 4 });
const STRIP_ROWS = 256;

/**
 * @typedef {object} PngLayout
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {number} sampleBytes - 1 or 2; the first is the high byte.
 */

/**
 * @param {Uint8Array} bytes - A PNG file from its first byte.
 * @returns {PngLayout | null} Null when the browser's own decoder does as well.
 */
export function spoiledByCanvas(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33 || typeof DecompressionStream === "undefined") return null;
  const depth = bytes[24];
  const colour = bytes[25];
  const interlaced = bytes[28] !== 0;
  const spoiled = (depth === 16 && colour in CHANNELS) || (depth === 8 && (colour === 4 || colour === 6));
  if (!spoiled || interlaced) return null;
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    channels: CHANNELS[colour],
    sampleBytes: depth / 8,
  };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {PngLayout} layout
 * @returns {AsyncGenerator<{pixels: Uint8ClampedArray, rows: number}>} Strips of red green blue alpha.
 * @throws {RangeError | TypeError} When rows are missing or the data is damaged.
 */
export async function* pngStrips(bytes, layout) {
  const stride = layout.width * layout.channels * layout.sampleBytes;
  const step = layout.channels * layout.sampleBytes;
  const strip = new Uint8ClampedArray(layout.width * 4 * Math.min(STRIP_ROWS, layout.height));
  let above = new Uint8Array(stride);
  let rows = 0;
  let seen = 0;
  for await (const line of lines(bytes, stride + 1)) {
    above = unfilter(line, above, step);
    toRgba(above, layout, strip, rows * layout.width * 4);
    rows++;
    seen++;
    if (rows === STRIP_ROWS || seen === layout.height) {
      yield { pixels: strip, rows };
      rows = 0;
    }
    if (seen === layout.height) return;
  }
  throw new RangeError("a PNG with missing rows");
}

/**
 * The inflated picture, one filter byte and row at a time.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {number} length
 */
async function* lines(bytes, length) {
  const inflated = new Blob([...imageData(bytes)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = inflated.getReader();
  let line = new Uint8Array(length);
  let filled = 0;
  for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) {
    for (let at = 0; at < value.length; ) {
      const taken = Math.min(length - filled, value.length - at);
      line.set(value.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled === length) {
        yield line;
        line = new Uint8Array(length);
        filled = 0;
      }
    }
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function* imageData(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === 0x49444154) yield bytes.subarray(at + 8, at + 8 + view.getUint32(at));
  }
}

/**
 * Undo one row's filter (PNG specification §9) in place.
 *
 * @param {Uint8Array<ArrayBuffer>} line - The filter's number, then the row.
 * @param {Uint8Array<ArrayBuffer>} above - The row above, unfiltered.
 * @param {number} step - Bytes from a sample to the same sample of its left neighbour.
 */
function unfilter(line, above, step) {
  const row = line.subarray(1);
  const filter = line[0];
  if (filter === 1) for (let x = step; x < row.length; x++) row[x] += row[x - step];
  else if (filter === 2) for (let x = 0; x < row.length; x++) row[x] += above[x];
  else if (filter === 3) {
    for (let x = 0; x < row.length; x++) row[x] += ((x < step ? 0 : row[x - step]) + above[x]) >> 1;
  } else if (filter === 4) {
    for (let x = 0; x < row.length; x++) {
      row[x] += x < step ? above[x] : paeth(row[x - step], above[x], above[x - step]);
    }
  } else if (filter !== 0) throw new RangeError("an unknown PNG filter");
  return row;
}

/**
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function paeth(left, up, corner) {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/**
 * @param {Uint8Array} row
 * @param {PngLayout} layout
 * @param {Uint8ClampedArray} strip
 * @param {number} to - Where in the strip the row begins.
 */
function toRgba(row, { width, channels, sampleBytes }, strip, to) {
  const green = channels > 2 ? sampleBytes : 0;
  const step = channels * sampleBytes;
  for (let x = 0, from = 0; x < width; x++, from += step, to += 4) {
    strip[to] = row[from];
    strip[to + 1] = row[from + green];
    strip[to + 2] = row[from + 2 * green];
    strip[to + 3] = 255;
  }
}
