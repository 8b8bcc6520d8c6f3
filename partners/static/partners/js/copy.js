/** Puts a button on each example that copies it. Without it, or without a clipboard, the examples are plain text. */

const SAID_SECONDS = 2;

/**
 * @param {HTMLElement} example - The frame around one `pre`.
 */
function addButton(example) {
  const text = example.querySelector("code")?.textContent ?? "";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it by hand";
    }
    setTimeout(() => { button.textContent = "Copy"; }, SAID_SECONDS * 1000);
  });
  example.append(button);
}

if (navigator.clipboard) {
  for (const example of document.querySelectorAll(".copy")) addButton(/** @type {HTMLElement} */ (example));
}
