/** Number and PIN on the page: large, to copy, to print, to save. They are in no address and nowhere in storage. */

/**
 * @param {string} template - With {number}, {pin} and {address}.
 * @param {{number: string, pin: string, address: string}} facts
 * @returns {string} The slip as plain text.
 */
export function slipText(template, facts) {
  return template
    .replace("{number}", () => facts.number)
    .replace("{pin}", () => facts.pin)
    .replace("{address}", () => facts.address);
}

/**
 * Show the code and make its buttons work.
 *
 * @param {ParentNode} root
 * @param {{case_number: string, pin: string}} code
 * @param {Record<string, string>} words
 */
export function showReceipt(root, code, words) {
  const facts = { number: code.case_number, pin: code.pin, address: location.origin };
  const text = slipText(words.slip, facts);
  find(root, "[data-number]").textContent = code.case_number;
  find(root, "[data-pin]").textContent = code.pin;
  find(root, "[data-print]").addEventListener("click", () => print());
  find(root, "[data-copy]").addEventListener("click", async () => {
    find(root, "[data-copied]").textContent = (await copy(text)) ? words.copied : words.copy_failed;
  });
  const save = /** @type {HTMLAnchorElement} */ (find(root, "[data-save]"));
  save.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  save.download = words.file_name;
  const plainText = `${facts.number}\n${facts.pin}`; // no address: a camera must not open anything
  document.dispatchEvent(new CustomEvent("code-received", { detail: { text: plainText } }));
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} Whether the browser let us.
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not a secure context, or not allowed
  }
}

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
function find(root, selector) {
  return /** @type {HTMLElement} */ (root.querySelector(selector));
}
