/** The list of cases beside the map: what is due soonest first, with filters and the keyboard. */
import { attribute, h, keyed, text } from "../dom";
import { localLabel, localText, said, t, term } from "../i18n";
import type { Part, Selection } from "../panels/situation";
import { may } from "../session/session";
import type { CaseBook } from "./book";
import { calls } from "./calls";
import { Filters } from "./filters";
import { mark, setMark } from "./mark";
import { byTimeLeft, leftText, type Known } from "./timeleft";

const MOST_ROWS = 200;
const ASK_AGAIN_MS = 1_500;

export class CaseList implements Part {
  readonly element: HTMLElement;
  readonly #book: CaseBook;
  readonly #select: (selection: Selection) => void;
  readonly #filters: Filters;
  readonly #list = localLabel(h("ul", { class: "case-list", keydown: (event: KeyboardEvent) => this.#key(event) }), "side.cases");
  readonly #none = said("p", "empty", "cases.none");
  readonly #count = h("p", { class: "case-count", role: "status" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  /** What the server found for the filters that it alone can answer. */
  #found: ReadonlySet<string> | null = null;
  #asks = 0;
  #asking: number | null = null;
  #current = "";

  constructor(book: CaseBook, select: (selection: Selection) => void, evaluate: () => void) {
    this.#book = book;
    this.#select = select;
    this.#filters = new Filters(book, () => void this.#ask());
    const tools = h("div", { class: "case-tools" });
    if (may("report_cases")) {
      const report = () => select({ kind: "report", id: "" });
      tools.append(localText(h("button", { type: "button", class: "deed", "data-tool": "report", click: report }), "cases.new"));
    }
    if (may("see_evaluation")) {
      tools.append(localText(h("button", { type: "button", class: "deed", "data-tool": "evaluation", click: evaluate }), "evaluation.title"));
    }
    const head = h("div", { class: "case-head" }, tools, this.#filters.element, this.#count, this.#problem);
    this.element = h("section", { class: "part case-part" }, head, this.#none, this.#list);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      // Within the list it is this search, not the one of the whole page.
      event.stopPropagation();
      this.#filters.search.focus();
    });
    book.onChange(() => {
      if (this.#filters.asked() && this.#asking === null) this.#asking = window.setTimeout(() => void this.#ask(), ASK_AGAIN_MS);
      if (this.element.checkVisibility()) this.refresh();
    });
  }

  /** Overdue ones among those that wait for this person, or among all where none do. */
  count(): number {
    return this.#book.open().filter((one) => this.#book.urgency(one) === "late").length;
  }

  refresh(): void {
    this.#filters.refresh();
    const found = this.#found;
    const fits = [...this.#book.cases.values()].filter((one) => (found === null || found.has(one.id)) && this.#filters.holds(one));
    const shown = fits.toSorted(byTimeLeft).slice(0, MOST_ROWS);
    if (!shown.some(({ id }) => id === this.#current)) this.#current = shown[0]?.id ?? "";
    attribute(this.#none, "hidden", fits.length > 0);
    text(this.#count, t(fits.length > shown.length ? "cases.count_some" : "cases.count", { n: fits.length, shown: shown.length }));
    text(this.#problem, this.#book.failure ?? "");
    keyed(this.#list, shown, ({ id }) => id, (one) => this.#make(one), (row, one) => this.#update(row, one));
  }

  async #ask(): Promise<void> {
    if (this.#asking !== null) window.clearTimeout(this.#asking);
    this.#asking = null;
    const asked = this.#filters.asked();
    const ask = ++this.#asks;
    if (asked === null) this.#found = null;
    else {
      try {
        const { items } = await calls.page(asked);
        if (ask !== this.#asks) return;
        const news = new Set(items.map(({ id }) => id));
        // Taking in what is known already would ask again for ever.
        const fresh = items.filter((one) => this.#book.cases.get(one.id)?.changed_at !== one.changed_at);
        this.#found = news;
        if (fresh.length > 0) this.#book.take(fresh);
      } catch (error) {
        text(this.#problem, (error as Error).message);
        return;
      }
    }
    this.refresh();
  }

  #make({ id }: Known): HTMLLIElement {
    const body = h("span", { class: "event-body" }, ...["case-name", "case-where", "case-stage"].map((name) => h("span", { class: name })));
    const open = () => this.#select({ kind: "case", id });
    return h("li", {}, h("button", { type: "button", class: "event case-row", click: open }, mark(), body, h("span", { class: "case-left" })));
  }

  #update(row: HTMLLIElement, one: Known): void {
    const button = row.firstElementChild as HTMLButtonElement;
    const [sign, body, left] = [...button.children] as [SVGElement, HTMLElement, HTMLElement];
    const urgency = this.#book.urgency(one);
    attribute(button, "tabindex", one.id === this.#current ? 0 : -1);
    attribute(button, "data-urgency", urgency);
    setMark(sign, urgency);
    const [name, where, stage] = [...body.children] as [HTMLElement, HTMLElement, HTMLElement];
    text(name, this.#book.className(one.class));
    const facts = [one.number, one.districts.join(", "), one.department && term("department", one.department)];
    text(where, facts.filter(Boolean).join(" · "));
    const reports = one.reports > 1 ? ` · ${t("cases.reports", { n: one.reports })}` : "";
    text(stage, `${term("stage", one.stage)}${one.severity === "high" ? ` · ${t("severity.high")}` : ""}${reports}`);
    text(left, leftText(one));
  }

  #key(event: KeyboardEvent): void {
    const rows = [...this.#list.querySelectorAll<HTMLButtonElement>(".case-row")];
    const at = rows.findIndex((row) => row === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    const next = to === undefined ? undefined : rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!next) return;
    event.preventDefault();
    this.#current = next.parentElement?.dataset["key"] ?? "";
    for (const row of rows) attribute(row, "tabindex", row === next ? 0 : -1);
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}
