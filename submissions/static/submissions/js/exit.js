/**
 * Leaving fast: the Exit button, or Shift three times within five seconds. The page is covered and emptied at once,
 * and its place in the history is taken by the neutral page. Without this script Exit is a plain link.
 */

const TIMES = 3;
const WITHIN_MS = 5000;

/**
 * Is this the last of three presses in time?
 *
 * @param {number[]} presses - When Shift was pressed, in milliseconds, oldest first.
 * @returns {boolean}
 */
export function isSignal(presses) {
  const recent = presses.slice(-TIMES);
  return recent.length === TIMES && recent[TIMES - 1] - recent[0] <= WITHIN_MS;
}

/**
 * Cover the page first: that is what is seen at once. Closing the case goes in the background, so that a portal that
 * is slow or away never holds anybody up.
 *
 * @param {string} target - The neutral page.
 * @param {string} closing - Where the case is closed and what the browser keeps of us is cleared.
 */
export function leave(target, closing) {
  document.documentElement.classList.add("left");
  document.title = "…";
  document.body.replaceChildren();
  navigator.sendBeacon?.(closing);
  location.replace(target);
}

/** @type {HTMLAnchorElement | null} */
const link = document.querySelector("a[data-exit]");
/** @type {number[]} */
let presses = [];

function exit() {
  if (link) leave(link.dataset.exit ?? link.href, link.dataset.leave ?? "");
}

link?.addEventListener("click", (event) => {
  event.preventDefault();
  exit();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Shift") presses = []; // typing a capital is no signal
  else if (!event.repeat) presses.push(event.timeStamp);
  if (isSignal(presses)) exit();
});

// Somebody pressed Back: load the page anew, empty as at first.
addEventListener("pageshow", (event) => {
  if (event.persisted && document.documentElement.classList.contains("left")) location.reload();
});
