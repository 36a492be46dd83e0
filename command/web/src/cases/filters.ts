/** Which cases the list shows: quick choices, a search, and selects for stage, class, district, department. */
import { attribute, h } from "../dom";
import { localLabel, localText, said, t, term, type Key } from "../i18n";
import { may } from "../session/session";
import { onSettings } from "../settings";
import type { CaseBook } from "./book";
import { STAGES, type Stage } from "./contract";
import { isEnded, type Known } from "./timeleft";
import type { Query } from "./calls";

const QUICK = ["waits", "open", "mine", "overdue"] as const;
type Quick = (typeof QUICK)[number];
const SELECTS = ["stage", "class", "district", "department"] as const;
type Select = (typeof SELECTS)[number];
const ENDED: readonly Stage[] = ["evaluate", "dismissed", "merged"];
const TYPING_MS = 250;

export class Filters {
  readonly element: HTMLElement;
  readonly search = h("input", { type: "search", class: "filter case-search", autocomplete: "off", maxlength: 200 });
  readonly #book: CaseBook;
  readonly #changed: () => void;
  readonly #quicks = new Map<Quick, HTMLButtonElement>();
  readonly #selects: Record<Select, HTMLSelectElement>;
  readonly #reset = localText(h("button", { type: "button", class: "link", click: () => this.#clear() }), "cases.clear");
  #quick: Quick = "open";
  #typing = 0;
  #offered = "";

  constructor(book: CaseBook, changed: () => void) {
    this.#book = book;
    this.#changed = changed;
    const canAct = ["accept_cases", "dispatch_cases", "handle_cases"].some(may);
    if (canAct) this.#quick = "waits";
    const quicks = localLabel(h("div", { class: "case-quick", role: "group" }), "cases.which");
    for (const quick of QUICK) {
      if (quick === "waits" && !canAct) continue;
      const button = h("button", { type: "button", "data-quick": quick, click: () => this.#choose(quick) });
      this.#quicks.set(quick, localText(button, `cases.quick.${quick}`));
      quicks.append(button);
    }
    localLabel(this.search, "cases.search");
    const placeholder = () => attribute(this.search, "placeholder", t("cases.search"));
    placeholder();
    onSettings((_, changed) => changed === "language" && placeholder());
    this.search.addEventListener("input", () => {
      window.clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.#tell(), TYPING_MS);
    });
    const select = (name: Select) => localLabel(h("select", { class: "field-input", "data-filter": name, change: () => this.#tell() }), `cases.${name}`);
    this.#selects = { stage: select("stage"), class: select("class"), district: select("district"), department: select("department") };
    const more = h("details", { class: "case-more" }, said("span", "", "cases.filters"), h("div", { class: "case-selects" }, ...Object.values(this.#selects), this.#reset));
    more.prepend(h("summary", {}, more.firstElementChild));
    this.element = h("div", { class: "case-filters" }, quicks, this.search, more);
    this.refresh();
  }

  /** Offers the classes, districts and departments that there are now. */
  refresh(): void {
    for (const [quick, button] of this.#quicks) attribute(button, "aria-pressed", String(quick === this.#quick));
    attribute(this.#reset, "hidden", !this.isNarrow());
    const book = this.#book;
    const stages = [...STAGES, "dismissed", "merged"].map((stage) => [stage, term("stage", stage)] as const);
    const classes = [...book.classes.keys()].map((code) => [code, book.className(code)] as const);
    const plain = (names: string[]) => names.map((name) => [name, name] as const);
    const departments = book.departments().map((name) => [name, term("department", name)] as const);
    const options = { stage: stages, class: classes, district: plain(book.districts()), department: departments };
    const offered = JSON.stringify(options);
    if (offered === this.#offered) return;
    this.#offered = offered;
    for (const name of SELECTS) {
      const all = h("option", { value: "" }, t(`cases.any.${name}` satisfies Key));
      const chosen = this.#selects[name].value;
      this.#selects[name].replaceChildren(all, ...options[name].map(([value, label]) => h("option", { value }, label)));
      this.#selects[name].value = options[name].some(([value]) => value === chosen) ? chosen : "";
    }
  }

  isNarrow(): boolean {
    return this.search.value.trim() !== "" || SELECTS.some((name) => this.#selects[name].value !== "");
  }

  /** What only the server can answer: texts, who did something, and what has ended; null: nothing of it. */
  asked(): Query | null {
    const { stage, class: code, district, department } = this.#selects;
    const text = this.search.value.trim();
    const ended = ENDED.includes(stage.value as Stage);
    if (!text && this.#quick !== "mine" && !ended) return null;
    return {
      text, mine: this.#quick === "mine", stage: stage.value, class: code.value, district: district.value,
      department: department.value, overdue: this.#quick === "overdue", limit: 500,
    }; // prettier-ignore
  }

  holds(one: Known): boolean {
    const { stage, class: code, district, department } = this.#selects;
    // What has ended is shown where it was asked for: by its stage, or in a search.
    if (stage.value ? one.stage !== stage.value : isEnded(one) && this.search.value.trim() === "") return false;
    if (code.value && one.class !== code.value) return false;
    if (district.value && !one.districts.includes(district.value)) return false;
    if (department.value && one.department !== department.value) return false;
    if (this.#quick === "overdue") return one.overdue || this.#book.urgency(one) === "late";
    return this.#quick !== "waits" || this.#book.waitsForMe(one);
  }

  #choose(quick: Quick): void {
    this.#quick = quick;
    this.#tell();
  }

  #clear(): void {
    this.search.value = "";
    for (const name of SELECTS) this.#selects[name].value = "";
    this.#tell();
    this.search.focus();
  }

  #tell(): void {
    this.refresh();
    this.#changed();
  }
}
