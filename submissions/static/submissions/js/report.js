/**
 * The page that picks, fingerprints, shows and sends. It moves through its steps without leaving, because everything
 * lives in this page's memory; the browser's Back button goes one step back.
 */

import { askBack } from "./code-check.js";
import { FileList } from "./file-list.js";
import { Fingerprinting } from "./fingerprinting.js";
import { PickedFiles } from "./picked-files.js";
import { showReceipt } from "./receipt.js";
import { bytesSent, idempotencyKey, send } from "./send.js";

/** @typedef {"before" | "files" | "check" | "statement" | "code" | "typed" | "now"} Step */

/** @type {Step[]} */
const AFTER_SENDING = ["code", "typed", "now"];

class ReportPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Record<string, string>} */
    this.words = JSON.parse(this.find("#words").textContent ?? "{}");
    this.files = new PickedFiles(Number(root.dataset.after));
    this.list = new FileList(this.find("[data-list]"), this.files, this.words, (id) => this.drop(id));
    this.key = idempotencyKey(); // one for the page's whole life: a second click is no second report
    this.body = "";
    this.sending = false;
    this.isSent = false;
    this.uncertain = false; // sent, but no answer came: it must be sent again as it was
    /** @type {Step} */
    this.step = "before";
    this.say("[data-readiness]", this.words.loading);
    this.sayBytes();
    this.hasher = new Fingerprinting(root.dataset.worker ?? "", {
      ready: (networkRefused) => this.onReady(networkRefused),
      broken: () => this.onBroken(),
      progress: (id, percent) => this.change(() => this.files.progress(id, percent)),
      done: (id, found) => this.change(() => this.files.done(id, found)),
      failed: (id, code) => this.change(() => this.files.fail(id, code)),
    });
    this.listen();
  }

  /**
   * @param {string} selector
   * @returns {HTMLElement}
   */
  find(selector) {
    return /** @type {HTMLElement} */ (this.root.querySelector(selector));
  }

  listen() {
    for (const button of this.root.querySelectorAll("[data-go]")) {
      const step = /** @type {HTMLElement} */ (button).dataset.go;
      button.addEventListener("click", () => this.go(/** @type {Step} */ (step)));
    }
    const input = /** @type {HTMLInputElement} */ (this.find("[data-files]"));
    input.addEventListener("change", () => {
      this.pick([...(input.files ?? [])]);
      input.value = ""; // the same file may be picked again after removing it
    });
    this.find("[data-send-now]").addEventListener("click", () => this.sendNow());
    this.find("[data-back]").addEventListener("click", () => history.back());
    history.replaceState({ step: "before" }, "");
    addEventListener("popstate", (event) => this.show(event.state?.step ?? "before"));
  }

  /** @param {boolean} networkRefused */
  onReady(networkRefused) {
    this.say("[data-readiness]", networkRefused ? this.words.ready_locked : this.words.ready);
    this.find("[data-needs-script]").hidden = false;
  }

  /** Before it was ready the worker could not be loaded; later, something it was given broke it. */
  onBroken() {
    this.find("[data-readiness]").hidden = true;
    if (this.find("[data-needs-script]").hidden) return this.alarm(this.words.cannot_load);
    const busy = this.files.usable().filter((item) => item.state !== "done");
    return this.change(() => busy.forEach((item) => this.files.fail(item.id, "cannot_decode")));
  }

  /** @param {Step} step */
  go(step) {
    history.pushState({ step }, "");
    this.show(step);
  }

  /**
   * Show one step. While it is uncertain whether a report arrived it may only be sent again, unchanged; after sending
   * only the code and what follows are left: there is nothing to go back to.
   *
   * @param {Step} step
   */
  show(step) {
    this.step = this.allowed(step);
    for (const section of this.root.querySelectorAll("[data-step]")) {
      const element = /** @type {HTMLElement} */ (section);
      element.hidden = element.dataset.step !== this.step;
    }
    const first = /** @type {HTMLElement | null} */ (document.querySelector("[data-first-back]"));
    if (first) first.hidden = this.step !== "before";
    this.find("[data-back]").hidden = ["before", "code"].includes(this.step) || this.uncertain;
    this.find("[data-alert]").hidden = true;
    if (this.step === "check") this.showReport();
    scrollTo({ top: 0, behavior: "instant" });
    this.find(`[data-step="${this.step}"] h1`).focus({ preventScroll: true });
  }

  /**
   * @param {Step} step
   * @returns {Step}
   */
  allowed(step) {
    if (this.isSent) return AFTER_SENDING.includes(step) ? step : "code";
    return this.uncertain || this.sending ? "statement" : step;
  }

  /** @param {File[]} picked */
  pick(picked) {
    this.find("[data-alert]").hidden = true;
    for (const file of picked) {
      const item = this.files.add(file.type);
      if (item === null) {
        this.alarm(this.words.too_many);
        break;
      }
      this.hasher.start(item.id, file);
    }
    this.change(() => {});
  }

  /** @param {number} id */
  drop(id) {
    this.hasher.cancel(id);
    this.change(() => this.files.remove(id));
  }

  /** @param {() => void} alter */
  change(alter) {
    alter();
    this.list.show();
    this.find("[data-enough]").hidden = !this.files.isComplete();
  }

  showReport() {
    const head = { idempotency_key: this.key, about: this.root.dataset.about, statement: true };
    const members = { ...head, files: this.files.toReport() };
    if ("adding" in this.root.dataset) delete members.about;
    const readable = JSON.stringify(members, null, 2);
    this.body = readable; // sent exactly as it is shown, spaces and all
    this.find("[data-json]").textContent = readable;
    this.say("[data-size]", this.words.size.replace("{n}", String(new TextEncoder().encode(readable).length)));
    this.sayBytes();
  }

  /** The counter stands on every step where somebody may wonder. */
  sayBytes() {
    for (const place of this.root.querySelectorAll("[data-sent]")) {
      place.textContent = this.words.sent.replace("{n}", String(bytesSent()));
    }
  }

  async sendNow() {
    const statement = /** @type {HTMLInputElement} */ (this.find("[data-statement]"));
    statement.setAttribute("aria-invalid", String(!statement.checked));
    if (!statement.checked) {
      statement.setAttribute("aria-describedby", "alert");
      this.alarm(this.words.say_so);
      return statement.focus({ preventScroll: true });
    }
    if (this.sending) return undefined;
    this.sending = true;
    this.find("[data-alert]").hidden = true;
    this.say("[data-sending]", this.words.sending);
    const onWait = () => this.say("[data-sending]", this.words.retrying);
    const reply = await send(this.root.dataset.send ?? "", this.body, onWait);
    this.sending = false;
    this.uncertain = reply === null;
    this.say("[data-sending]", "");
    return this.onReply(reply);
  }

  /** @param {import("./send.js").Reply | null} reply */
  onReply(reply) {
    if (reply === null) return this.alarm(this.words.gave_up);
    if (reply.status !== 201) return this.alarm(this.words[String(reply.members.code)] ?? this.words.refused);
    if (!("adding" in this.root.dataset)) this.hand(/** @type {any} */ (reply.members));
    this.isSent = true;
    this.files = new PickedFiles();
    this.body = "";
    history.replaceState({ step: "code" }, "");
    return this.show("code");
  }

  /** @param {{case_number: string, pin: string}} code */
  hand(code) {
    showReceipt(this.find('[data-step="code"]'), code, this.words);
    const form = /** @type {HTMLFormElement} */ (this.find("[data-typed]"));
    askBack(form, { number: code.case_number, pin: code.pin }, /** @type {any} */ (this.words), () => {
      this.find("[data-right]").hidden = false;
      this.go("now");
    });
  }

  /**
   * @param {string} selector
   * @param {string} words
   */
  say(selector, words) {
    const element = this.find(selector);
    element.textContent = words;
    element.hidden = false;
  }

  /** @param {string} words */
  alarm(words) {
    this.say("[data-alert]", words);
    this.find("[data-alert]").scrollIntoView({ block: "center" });
  }
}

const root = /** @type {HTMLElement | null} */ (document.querySelector("[data-report]"));
if (root) new ReportPage(root);
