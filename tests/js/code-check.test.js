import assert from "node:assert/strict";
import { test } from "node:test";

import { plain } from "../../submissions/static/submissions/js/code-check.js";

test("a code is read however it is written", () => {
  const onAnArabicKeyboard = "\u200f٠a١b-٢c۳d-٤e٥f-۶\u200e";
  const others = ["0A1B-2C3D-4E5F-6", " 0a1b 2c3d 4e5f 6 ", "OAIB2C3D4E5F6", "０a1b-2c3d-4e5f-6"];
  for (const typed of [onAnArabicKeyboard, ...others]) {
    assert.equal(plain(typed), "0A1B2C3D4E5F6");
  }
});

test("a slip stays a slip", () => {
  assert.notEqual(plain("0A1B-2C3D-4E5F-6"), plain("0A1B-2C3D-4E5F-7"));
});
