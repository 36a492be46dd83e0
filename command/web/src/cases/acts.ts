/** The deeds that are offered for a case, and the form of the one that was chosen. */
import { attribute, h, text } from "../dom";
import { localText, t } from "../i18n";
import type { CaseBook } from "./book";
import type { CaseDetail } from "./contract";
import { DEEDS, perform, type Deed } from "./deeds";

export class Acts {
  readonly #buttons = h("div", { class: "case-deeds" });
  readonly #form = h("div", { class: "case-form", id: "case-form" });
  readonly #told = h("p", { class: "form-done", role: "status" });
  readonly element = h("div", { class: "case-acts" }, this.#buttons, this.#told, this.#form);
  readonly #book: CaseBook;
  readonly #done: () => void;
  #detail: CaseDetail | null = null;
  #open: Deed | null = null;
  #shown = "";

  /** `done` is called when something was done. */
  constructor(book: CaseBook, done: () => void) {
    this.#book = book;
    this.#done = done;
    this.#form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      // The form closes, not the case behind it.
      event.stopPropagation();
      this.#close();
    });
  }

  show(detail: CaseDetail): void {
    if (this.#detail?.case.id !== detail.case.id) {
      this.#close();
      text(this.#told, "");
    }
    this.#detail = detail;
    if (this.#open && !detail.deeds.includes(this.#open.route)) this.#close();
    const offered = DEEDS.filter(({ route }) => detail.deeds.includes(route));
    const shown = JSON.stringify([offered.map(({ route }) => route), document.documentElement.lang]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#buttons.replaceChildren(...offered.map((deed) => this.#button(deed)));
    this.#press();
  }

  #button(deed: Deed): HTMLButtonElement {
    const open = () => (this.#open === deed ? this.#close() : void this.#show(deed));
    const kind = { class: "deed case-deed", "data-deed": deed.route, "data-main": deed.isMain ?? false, "aria-controls": "case-form" };
    return h("button", { type: "button", ...kind, click: open }, t(deed.label));
  }

  #press(): void {
    for (const button of this.#buttons.querySelectorAll<HTMLElement>("[data-deed]")) {
      attribute(button, "aria-expanded", String(button.dataset["deed"] === this.#open?.route));
    }
  }

  #close(): void {
    const opener = this.#open && this.#buttons.querySelector<HTMLElement>(`[data-deed="${this.#open.route}"]`);
    const hadFocus = this.#form.contains(document.activeElement);
    this.#open = null;
    this.#form.replaceChildren();
    this.#press();
    if (hadFocus) opener?.focus();
  }

  async #show(deed: Deed): Promise<void> {
    const detail = this.#detail;
    if (!detail) return;
    this.#open = deed;
    this.#press();
    text(this.#told, "");
    const problem = h("p", { class: "form-problem", role: "alert" });
    const send = localText(h("button", { type: "submit", class: "primary" }), deed.label);
    const cancel = localText(h("button", { type: "button", class: "secondary", click: () => this.#close() }), "cases.cancel");
    try {
      const answers = await deed.fields(detail, this.#book);
      if (this.#open !== deed || this.#detail?.case.id !== detail.case.id) return;
      const form = h("form", { class: "form", novalidate: true, "aria-label": t(deed.label) }, ...answers.map(({ element }) => element), problem, h("div", { class: "case-send" }, cancel, send));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const missing = answers.find((answer) => answer.isMissing());
        if (missing) {
          text(problem, t("cases.missing"));
          missing.focus();
          return;
        }
        attribute(send, "disabled", true);
        text(problem, "");
        perform(this.#detail ?? detail, deed, answers)
          .then(() => this.#finish(deed))
          .catch((error: Error) => text(problem, error.message))
          .finally(() => attribute(send, "disabled", false));
      });
      this.#form.replaceChildren(form);
      (answers[0] ?? { focus: () => send.focus() }).focus();
    } catch (error) {
      text(problem, (error as Error).message);
      this.#form.replaceChildren(problem);
    }
  }

  #finish(deed: Deed): void {
    this.#close();
    text(this.#told, t("cases.done", { deed: t(deed.label) }));
    this.#done();
  }
}
