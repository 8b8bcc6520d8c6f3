/** Typing the code back once, so that a slip of the pen shows while the right one is still on the page. */

const ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"; // what a keyboard set to Arabic or Persian types

/**
 * @param {string} typed - However somebody writes it: with spaces, in small letters, O for zero, I or L for one.
 * @returns {string} As the portal reads it.
 */
export function plain(typed) {
  const ours = typed.replace(/[٠-٩۰-۹]/g, (digit) => String(ARABIC_DIGITS.indexOf(digit) % 10));
  const letters = ours.normalize("NFKC").toUpperCase().replace(/[^0-9A-Z]/g, "");
  return letters.replaceAll("O", "0").replaceAll(/[IL]/g, "1");
}

/**
 * @param {HTMLFormElement} form
 * @param {{number: string, pin: string}} code
 * @param {{number_differs: string, pin_differs: string}} words
 * @param {() => void} onRight
 */
export function askBack(form, code, words, onRight) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = judge(form, "typed-number", code.number, words.number_differs);
    const pin = judge(form, "typed-pin", code.pin, words.pin_differs);
    const wrong = number ?? pin;
    if (wrong) wrong.focus();
    else onRight();
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {string} id
 * @param {string} right
 * @param {string} words - What to say when it differs.
 * @returns {HTMLInputElement | null} The field, when it has to be looked at again.
 */
function judge(form, id, right, words) {
  const field = /** @type {HTMLInputElement} */ (form.querySelector(`#${id}`));
  const error = /** @type {HTMLElement} */ (form.querySelector(`#${id}-wrong`));
  const differs = plain(field.value) !== plain(right);
  error.hidden = !differs;
  error.textContent = differs ? words : "";
  if (differs) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", error.id);
    return field;
  }
  field.removeAttribute("aria-invalid");
  field.removeAttribute("aria-describedby");
  return null;
}
