/** MD5 and SHA-256 of a file, streamed where WebAssembly is allowed. */

/** Without WebAssembly a file must fit into memory whole, and phones have little. */
const WHOLE_FILE_BYTES = 50_000_000;

/**
 * One running digest, as hash-wasm's `IHasher`.
 *
 * @typedef {object} Running
 * @property {() => unknown} init
 * @property {(data: Uint8Array) => unknown} update
 * @property {(encoding: "hex") => string} digest
 */
/** @typedef {{md5: Running, sha256: Running}} Hashers */
/** @typedef {{type: "md5" | "sha256", value: string}} Digest */

/**
 * @param {Blob} file
 * @param {Hashers | null} hashers - Null where WebAssembly is missing (Lockdown Mode on iOS).
 * @param {(bytes: number) => Promise<void>} onBytes - Called after each piece; may throw to stop.
 * @returns {Promise<Digest[]>} MD5 only with hashers; without them SHA-256 only of files below 50 MB.
 */
export async function digestsOf(file, hashers, onBytes) {
  if (hashers === null) return plainDigests(file, onBytes);
  hashers.md5.init();
  hashers.sha256.init();
  let done = 0;
  for await (const piece of pieces(file)) {
    hashers.md5.update(piece);
    hashers.sha256.update(piece);
    done += piece.length;
    await onBytes(done);
  }
  return [
    { type: "md5", value: hashers.md5.digest("hex") },
    { type: "sha256", value: hashers.sha256.digest("hex") },
  ];
}

/**
 * @param {Blob} file
 * @param {(bytes: number) => Promise<void>} onBytes
 * @returns {Promise<Digest[]>}
 */
async function plainDigests(file, onBytes) {
  if (file.size >= WHOLE_FILE_BYTES || !globalThis.crypto?.subtle) return [];
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  await onBytes(file.size);
  return [{ type: "sha256", value: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") }];
}

/** @param {Blob} file */
async function* pieces(file) {
  const reader = file.stream().getReader();
  try {
    for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) yield value;
  } finally {
    await reader.cancel(); // also when the caller stopped early
  }
}
