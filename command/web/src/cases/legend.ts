/** The legend's part for cases and units: what the marks mean, and which of them are shown. */
import { h } from "../dom";
import { said } from "../i18n";
import { may } from "../session/session";
import type { CaseBook } from "./book";
import { mark, setMark } from "./mark";
import { URGENCIES, type Urgency } from "./timeleft";

/** Each look at where people are is written into the audit. */
const LOOK_MS = 30_000;

export class CaseLegend {
  readonly element = h("div", { class: "case-legend" }, said("h2", "", "cases.legend"));
  readonly #book: CaseBook;
  readonly #hidden = new Set<Urgency>();
  readonly #listeners = new Set<() => void>();
  #looking: number | null = null;

  constructor(book: CaseBook) {
    this.#book = book;
    const list = h("ul", { class: "legend-list" });
    for (const urgency of URGENCIES) {
      const sign = mark();
      setMark(sign, urgency);
      list.append(this.#entry(sign, `urgency.${urgency}`, `case-${urgency}`, true, (isShown) => {
        if (isShown) this.#hidden.delete(urgency);
        else this.#hidden.add(urgency);
      })); // prettier-ignore
    }
    this.element.append(list);
    if (!may("see_workers")) return;
    const sign = h("i", { class: "unit-sign", "aria-hidden": "true" });
    list.append(this.#entry(sign, "units.title", "units", false, (isShown) => this.#look(isShown)));
  }

  get showsUnits(): boolean {
    return this.#looking !== null;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  shows(urgency: Urgency): boolean {
    return !this.#hidden.has(urgency);
  }

  #entry(sign: Element, label: `urgency.${Urgency}` | "units.title", name: string, isOn: boolean, toggle: (isShown: boolean) => void): HTMLElement {
    const box = h("input", { type: "checkbox", checked: isOn, "data-layer": name });
    box.addEventListener("change", () => {
      toggle(box.checked);
      for (const listener of this.#listeners) listener();
    });
    return h("li", {}, h("label", { class: "legend-choice" }, box, sign, said("span", "", label)));
  }

  #look(isShown: boolean): void {
    if (this.#looking !== null) window.clearInterval(this.#looking);
    this.#looking = null;
    if (!isShown) return;
    const fetch = () => {
      // Away for a moment: the next look tells again.
      if (!document.hidden) void this.#book.fetchWorkers().catch(() => undefined);
    };
    this.#looking = window.setInterval(fetch, LOOK_MS);
    fetch();
  }
}
