import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { digestsOf } from "../../submissions/static/submissions/js/digests.js";

/** @param {"md5" | "sha256"} kind */
function running(kind) {
  let hash = createHash(kind);
  return {
    init: () => (hash = createHash(kind)),
    update: (/** @type {Uint8Array} */ data) => hash.update(data),
    digest: () => hash.digest("hex"),
  };
}

const CONTENT = new Uint8Array(300_000).map((_, at) => at * 7);
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

test("digests cover the whole file and count its bytes", async () => {
  const hashers = { md5: running("md5"), sha256: running("sha256") };
  for (const again of [1, 2]) {
    let counted = 0;
    const digests = await digestsOf(new Blob([CONTENT]), hashers, async (done) => void (counted = done));
    assert.deepEqual([counted, digests], [
      CONTENT.length,
      [
        { type: "md5", value: createHash("md5").update(CONTENT).digest("hex") },
        { type: "sha256", value: SHA256 },
      ],
    ], `run ${again}`);
  }
});

test("without WebAssembly only SHA-256 is made, and only of files that fit into memory", async () => {
  const small = await digestsOf(new Blob([CONTENT]), null, async () => {});
  assert.deepEqual(small, [{ type: "sha256", value: SHA256 }]);
  const large = /** @type {Blob} */ ({ size: 50_000_000 });
  assert.deepEqual(await digestsOf(large, null, async () => {}), []);
});

test("an error of the caller stops the reading", async () => {
  const hashers = { md5: running("md5"), sha256: running("sha256") };
  const stop = async () => {
    throw new Error("stop");
  };
  await assert.rejects(digestsOf(new Blob([CONTENT]), hashers, stop), /stop/);
});
