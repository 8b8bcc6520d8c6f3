/** The list of picked files on the page: "Picture 1", its progress, and a button to cancel or remove it. */

/** @typedef {import("./picked-files.js").Item} Item */

export class FileList {
  /**
   * @param {HTMLElement} list
   * @param {import("./picked-files.js").PickedFiles} files
   * @param {Record<string, string>} words
   * @param {(id: number) => void} onDrop
   */
  constructor(list, files, words, onDrop) {
    this.list = list;
    this.files = files;
    this.words = words;
    this.onDrop = onDrop;
    this.template = /** @type {HTMLTemplateElement} */ (document.querySelector("template[data-file]"));
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
  }

  /** Bring the page in line with the files. Rows are kept, so focus and screen readers are not disturbed. */
  show() {
    for (const [id, row] of this.rows) {
      if (this.files.get(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    for (const item of this.files.items) this.fill(this.rows.get(item.id) ?? this.make(item.id), item);
  }

  /**
   * @param {number} id
   * @returns {HTMLElement}
   */
  make(id) {
    const copy = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const row = /** @type {HTMLElement} */ (copy.firstElementChild);
    part(row, "drop").addEventListener("click", () => this.onDrop(id));
    this.list.append(row);
    this.rows.set(id, row);
    return row;
  }

  /**
   * @param {HTMLElement} row
   * @param {Item} item
   */
  fill(row, item) {
    const busy = item.state === "waiting" || item.state === "working";
    const name = this.label(item);
    const drop = busy ? this.words.cancel : this.words.remove;
    const bar = /** @type {HTMLProgressElement} */ (part(row, "progress"));
    put(part(row, "name"), name);
    put(part(row, "drop"), drop);
    part(row, "drop").setAttribute("aria-label", `${drop}: ${name}`);
    bar.hidden = !busy;
    bar.value = item.percent;
    bar.setAttribute("aria-label", name);
    put(part(row, "words"), this.say(item));
    part(row, "words").classList.toggle("failed", item.state === "failed");
  }

  /** @param {Item} item */
  label(item) {
    if (item.state === "failed") return this.words.unusable;
    return this.words[item.kind].replace("{n}", String(this.files.number(item)));
  }

  /** @param {Item} item */
  say(item) {
    if (item.state === "failed") return this.words[item.code] ?? this.words.cannot_decode;
    if (item.state === "working") return this.words.working.replace("{percent}", String(item.percent));
    if (item.state === "waiting") return this.words.waiting;
    const notices = item.notices.map((notice) => this.words[notice]).filter(Boolean);
    return [this.words.done + ".", ...notices].join(" ");
  }
}

/**
 * @param {HTMLElement} row
 * @param {string} name
 * @returns {HTMLElement}
 */
function part(row, name) {
  return /** @type {HTMLElement} */ (row.querySelector(`[data-${name}]`));
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
