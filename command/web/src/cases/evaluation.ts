/** How departments and grids did: league tables, handling times, what is overdue, ratings; it prints. */
import { h, text } from "../dom";
import { dateTime, localLabel, localText, number, said, t, term, type Key } from "../i18n";
import { icon } from "../panels/icons";
import { onSettings } from "../settings";
import type { CaseBook } from "./book";
import { calls } from "./calls";
import { histogram } from "./chart";
import type { HandlingTimes, LeagueRow } from "./contract";
import { byTimeLeft, leftText, span } from "./timeleft";

const DAY_MS = 86_400_000;
const USUAL_DAYS = 30;
const MOST_OVERDUE = 50;

interface Column {
  label: Key;
  cell: (row: LeagueRow) => string;
}

const COLUMNS: readonly Column[] = [
  { label: "evaluation.filed", cell: (row) => number(row.filed) },
  { label: "evaluation.closed", cell: (row) => number(row.closed) },
  { label: "evaluation.overdue", cell: (row) => (row.exempted > 0 ? t("evaluation.exempted", { n: number(row.overdue), exempted: row.exempted }) : number(row.overdue)) },
  { label: "evaluation.returns", cell: (row) => number(row.returns) },
  { label: "evaluation.reopened", cell: (row) => number(row.reopened) },
  { label: "evaluation.median", cell: (row) => (row.median_s === null ? "–" : span(row.median_s)) },
  { label: "evaluation.rating", cell: (row) => number(row.rating, 1) },
  { label: "evaluation.score", cell: (row) => number(row.score, 1) },
];

export class Evaluation {
  readonly element: HTMLDialogElement;
  readonly #book: CaseBook;
  readonly #from = h("input", { type: "date", class: "field-input", id: "evaluation-from" });
  readonly #to = h("input", { type: "date", class: "field-input", id: "evaluation-to" });
  readonly #class = h("select", { class: "field-input", id: "evaluation-class" });
  readonly #period = h("p", { class: "evaluation-period" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #body = h("div", { class: "evaluation-body", "aria-live": "polite" });
  #asks = 0;
  #told: [LeagueRow[], LeagueRow[], HandlingTimes] | null = null;

  constructor(book: CaseBook) {
    this.#book = book;
    const title = said("h2", "", "evaluation.title");
    title.id = "evaluation-title";
    const labelled = (key: Key, input: HTMLElement) => h("div", { class: "field" }, localText(h("label", { for: input.id, class: "field-label" }), key), input);
    const print = localText(h("button", { type: "button", class: "secondary", "data-tool": "print", click: () => window.print() }), "evaluation.print");
    const close = localLabel(h("button", { type: "button", class: "icon-button", click: () => this.element.close() }, icon("close")), "side.close", true);
    const tools = h("div", { class: "evaluation-tools" }, labelled("evaluation.from", this.#from), labelled("evaluation.to", this.#to), labelled("cases.class", this.#class), print, close);
    const head = h("header", { class: "evaluation-head" }, h("div", {}, title, this.#period), tools);
    this.element = h("dialog", { class: "evaluation", "aria-labelledby": title.id }, head, this.#problem, this.#body);
    for (const input of [this.#from, this.#to, this.#class]) input.addEventListener("change", () => void this.#ask());
    onSettings((_, changed) => changed === "language" && this.element.open && this.#write());
  }

  open(): void {
    if (!this.#from.value) {
      this.#from.value = day(Date.now() - USUAL_DAYS * DAY_MS);
      this.#to.value = day(Date.now());
    }
    this.element.showModal();
    this.#writeClasses();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const ask = ++this.#asks;
    const from = new Date(`${this.#from.value}T00:00:00`);
    // The last day counts whole.
    const to = new Date(Date.parse(`${this.#to.value}T00:00:00`) + DAY_MS);
    if (!(from < to)) return text(this.#problem, t("evaluation.no_period"));
    const period = { from: from.toISOString(), to: to.toISOString() };
    try {
      const told = await Promise.all([
        calls.league({ by: "department", ...period }),
        calls.league({ by: "grid", ...period }),
        calls.times({ class: this.#class.value, ...period }),
      ]);
      if (ask !== this.#asks) return;
      this.#told = told;
      text(this.#problem, "");
      this.#write();
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
  }

  #writeClasses(): void {
    const chosen = this.#class.value;
    const options = [...this.#book.classes.keys()].map((code) => h("option", { value: code }, this.#book.className(code)));
    this.#class.replaceChildren(h("option", { value: "" }, t("cases.any.class")), ...options);
    this.#class.value = chosen;
  }

  #write(): void {
    if (!this.#told) return;
    const [departments, grids, times] = this.#told;
    this.#writeClasses();
    text(this.#period, t("evaluation.period", { from: this.#from.value, to: this.#to.value, at: dateTime(Date.now()) }));
    this.#body.replaceChildren(
      league("evaluation.departments", departments, (who) => term("department", who)),
      this.#times(times),
      league("evaluation.grids", grids, String),
      this.#overdue(),
    );
  }

  #times(times: HandlingTimes): HTMLElement {
    const title = h("h3", {}, t("evaluation.times"));
    if (times.closed === 0) return part(title, h("p", { class: "empty" }, t("evaluation.none")));
    const figure = (key: Key, seconds: number | null) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, seconds === null ? "–" : span(seconds)));
    const figures = h(
      "dl",
      { class: "evaluation-figures" },
      h("div", {}, h("dt", {}, t("evaluation.closed")), h("dd", {}, number(times.closed))),
      figure("evaluation.mean", times.mean_s),
      figure("evaluation.p10", times.p10_s),
      figure("evaluation.p50", times.p50_s),
      figure("evaluation.p90", times.p90_s),
    );
    const { before_days, after_days } = times.yardstick;
    const yardstick = t("evaluation.yardstick", { before: number(before_days, 2), after: number(after_days, 2) });
    return part(title, figures, histogram(times), h("p", { class: "field-hint" }, yardstick));
  }

  #overdue(): HTMLElement {
    const late = this.#book.open().filter((one) => this.#book.urgency(one) === "late").toSorted(byTimeLeft);
    const title = h("h3", {}, t("evaluation.overdue_now", { n: late.length }));
    if (late.length === 0) return part(title, h("p", { class: "empty" }, t("evaluation.none_late")));
    const heads = (["cases.number", "cases.class", "cases.department", "cases.stage", "cases.time"] as const).map((key) => h("th", { scope: "col" }, t(key)));
    const rows = late.slice(0, MOST_OVERDUE).map((one) => {
      const cells = [this.#book.className(one.class), one.department ? term("department", one.department) : "–", term("stage", one.stage), leftText(one)];
      return h("tr", {}, h("th", { scope: "row" }, one.number), ...cells.map((cell) => h("td", {}, cell)));
    });
    return part(title, h("table", { class: "twin" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)));
  }
}

function league(caption: Key, rows: readonly LeagueRow[], name: (who: string) => string): HTMLElement {
  const title = h("h3", {}, t(caption));
  if (rows.length === 0) return part(title, h("p", { class: "empty" }, t("evaluation.none")));
  const heads = COLUMNS.map(({ label }) => h("th", { scope: "col", class: "figure" }, t(label)));
  const body = rows.map((row, i) => {
    const meter = h("meter", { class: "score-meter", min: 0, max: 100, value: row.score, "aria-hidden": "true" });
    const cells = COLUMNS.map(({ cell }, column) => h("td", { class: "figure" }, cell(row), column === COLUMNS.length - 1 ? meter : null));
    return h("tr", {}, h("td", { class: "figure" }, number(i + 1)), h("th", { scope: "row" }, name(row.who)), ...cells);
  });
  const head = h("tr", {}, h("th", { scope: "col", class: "figure" }, "#"), h("th", { scope: "col" }, t("evaluation.who")), ...heads);
  const table = h("table", { class: "twin", "data-league": caption }, h("thead", {}, head), h("tbody", {}, ...body));
  const hint = h("p", { class: "field-hint" }, t("evaluation.score_hint"));
  return part(title, table, hint);
}

/** One table or chart under its title; too wide for the window it scrolls, by the keyboard too. */
function part(title: HTMLElement, ...children: Node[]): HTMLElement {
  return h("section", { class: "evaluation-part", tabindex: 0 }, title, ...children);
}

/** A day as date inputs have it, local. */
function day(at_ms: number): string {
  const at = new Date(at_ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
