/** Folds the console's menu away on narrow screens. Without this module it simply stands open above the page. */

const NARROW = "(max-width: 59.99rem)";

const menu = document.querySelector("[data-menu]");
if (menu instanceof HTMLDetailsElement) {
  const narrow = window.matchMedia(NARROW);
  const fit = () => { menu.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();
}
