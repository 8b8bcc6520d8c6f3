import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { WAIT_SECONDS, bytesSent, idempotencyKey, send } from "../../submissions/static/submissions/js/send.js";

/**
 * A network that answers in turn: a status, or an error.
 *
 * @param {(number | Error)[]} answers
 */
function network(...answers) {
  /** @type {string[]} */
  const bodies = [];
  /** @type {number[]} */
  const waits = [];
  const surroundings = {
    /** @type {any} */
    fetch: async (/** @type {string} */ url, /** @type {{body: string}} */ { body }) => {
      bodies.push(body);
      const answer = answers.shift() ?? 503;
      if (answer instanceof Error) throw answer;
      return new Response('{"pin":"12345678"}', { status: answer });
    },
    wait: async (/** @type {number} */ seconds) => {
      waits.push(seconds);
    },
  };
  return { bodies, waits, surroundings };
}

test("a reply is handed back at once", async () => {
  const { bodies, waits, surroundings } = network(201);
  const reply = await send("/x/", "{}", () => {}, surroundings);
  assert.deepEqual(reply, { status: 201, members: { pin: "12345678" } });
  assert.deepEqual([bodies, waits], [["{}"], []]);
});

test("outages are waited out with the same body", async () => {
  const { bodies, waits, surroundings } = network(new TypeError("offline"), 503, 429, 500, 201);
  let told = 0;
  const reply = await send("/x/", "{}", () => told++, surroundings);
  assert.equal(reply?.status, 201);
  assert.deepEqual(bodies, Array(5).fill("{}"));
  assert.deepEqual([waits, told], [WAIT_SECONDS.slice(0, 4), 4]);
});

test("a refusal is no outage", async () => {
  const { waits, surroundings } = network(409);
  assert.equal((await send("/x/", "{}", () => {}, surroundings))?.status, 409);
  assert.deepEqual(waits, []);
});

test("in the end the person is told, and nothing is lost", async () => {
  const { bodies, surroundings } = network();
  assert.equal(await send("/x/", "{}", () => {}, surroundings), null);
  assert.equal(bodies.length, WAIT_SECONDS.length + 1);
});

test("each byte that was handed to the network is counted", async () => {
  const before = bytesSent();
  const { surroundings } = network(503, 201);
  await send("/x/", "é", () => {}, surroundings);
  assert.equal(bytesSent() - before, 4);
});

test("keys are 32 random bytes in base64url", () => {
  const keys = new Set(Array.from({ length: 100 }, idempotencyKey));
  assert.equal(keys.size, 100);
  for (const key of keys) {
    assert.match(key, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(Buffer.from(key, "base64url").toString("base64url"), key);
  }
});

test("no other module of the page has a way to the network", async () => {
  const folder = new URL("../../submissions/static/submissions/js/", import.meta.url);
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".js") || name === "send.js") continue;
    const text = await readFile(new URL(name, folder), "utf8");
    let source = text.replaceAll(/\/\*\*.*?\*\//gs, ""); // types are imported in comments
    if (name === "exit.js") source = source.replace("navigator.sendBeacon?.(closing);", ""); // it carries no body
    assert.doesNotMatch(source, /\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket|EventSource|\bimport\(/, name);
    assert.doesNotMatch(source, /localStorage|sessionStorage|indexedDB|document\.cookie/, name);
  }
});

test("no module of the page reads a file's name", async () => {
  const folder = new URL("../../submissions/static/submissions/js/", import.meta.url);
  for (const name of ["report.js", "fingerprinting.js", "file-list.js", "picked-files.js", "send.js"]) {
    assert.doesNotMatch(await readFile(new URL(name, folder), "utf8"), /\.name\b|webkitRelativePath|lastModified/, name);
  }
});
