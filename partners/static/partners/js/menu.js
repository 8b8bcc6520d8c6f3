/**
 * Folds the console's menu away on narrow screens. Without it the menu simply stands open above the page.
 * Not a module: it stands right behind the menu and runs before anything is painted, so that nothing jumps.
 */
(() => {
  const menu = document.querySelector("[data-menu]");
  if (!(menu instanceof HTMLDetailsElement)) return;
  const narrow = window.matchMedia("(max-width: 59.99rem)");
  const fit = () => { menu.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();
})();
