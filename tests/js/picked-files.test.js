import assert from "node:assert/strict";
import { test } from "node:test";

import { MOST_FILES, PickedFiles } from "../../submissions/static/submissions/js/picked-files.js";

/**
 * @param {string} sha256
 * @param {"image" | "video"} media
 */
function found(sha256, media = "image") {
  return { media, notices: [], fingerprints: [{ type: "sha256", value: sha256 }] };
}

/** @param {PickedFiles} files */
function add(files, mimeType = "image/png") {
  const item = files.add(mimeType);
  assert(item);
  return item;
}

test("files are numbered as the portal will number them, those that failed left out", () => {
  const files = new PickedFiles(2);
  const [first, second, third] = [add(files), add(files), add(files)];
  files.fail(second.id, "blank");
  assert.deepEqual([files.number(first), files.number(third)], [3, 4]);
});

test("a report holds what is done, in order, and neither names nor sizes", () => {
  const files = new PickedFiles();
  const [first, second] = [add(files), add(files, "video/mp4")];
  files.done(second.id, found("bb", "video"));
  assert.equal(files.isComplete(), false);
  files.done(first.id, found("aa"));
  assert.equal(files.isComplete(), true);
  assert.deepEqual(files.toReport(), [
    { media: "image", fingerprints: [{ type: "sha256", value: "aa" }] },
    { media: "video", fingerprints: [{ type: "sha256", value: "bb" }] },
  ]);
});

test("the same file picked twice counts once", () => {
  const files = new PickedFiles();
  const [first, second] = [add(files), add(files)];
  files.done(first.id, found("aa"));
  files.done(second.id, found("aa"));
  assert.deepEqual([first.state, second.state, second.code], ["done", "failed", "duplicate"]);
  assert.equal(files.toReport().length, 1);
});

test("a file without any fingerprint is none", () => {
  const files = new PickedFiles();
  const item = add(files);
  files.done(item.id, { media: "image", notices: [], fingerprints: [] });
  assert.equal(item.state, "failed");
});

test("words about a file that was removed meanwhile change nothing", () => {
  const files = new PickedFiles();
  const item = add(files);
  files.remove(item.id);
  files.progress(item.id, 50);
  files.done(item.id, found("aa"));
  files.fail(item.id, "cancelled");
  assert.deepEqual(files.items, []);
});

test("twenty-five are the most, and what failed does not count", () => {
  const files = new PickedFiles();
  const first = add(files);
  for (let count = 1; count < MOST_FILES; count++) add(files);
  assert.equal(files.add("image/png"), null);
  files.fail(first.id, "blank");
  assert.notEqual(files.add("image/png"), null);
});
