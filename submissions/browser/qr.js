/**
 * Draws the code as a QR picture into the page: number and PIN as plain text, never an address, so a camera shows them
 * and opens nothing. Bundled by build.js; without it the page has no picture and everything else works.
 */

import { encode } from "uqr";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules of white around it, as the standard asks

document.addEventListener("code-received", (event) => {
  const { text } = /** @type {CustomEvent<{text: string}>} */ (event).detail;
  const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-qr]"));
  if (!place) return;
  place.replaceChildren(picture(text));
  place.hidden = false;
});

/** @param {string} text */
function picture(text) {
  const { data } = encode(text, { ecc: "M", border: QUIET });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${data.length} ${data.length}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.append(shape("rect", { width: "100%", height: "100%", fill: "#fff" }));
  svg.append(shape("path", { d: squares(data), fill: "#000" }));
  return svg;
}

/** @param {boolean[][]} rows */
function squares(rows) {
  return rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 */
function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
