/** Two periods beside each other: what differs, and how sure that is. */
import { get } from "../api";
import { attribute, h, text } from "../dom";
import { localText, number, said, t, type Key } from "../i18n";
import { onSettings } from "../settings";
import { METRICS, type Figure, type MetricName } from "./metrics";
import { picked, whenField } from "./period";

const DAY_MS = 86_400_000;

interface Difference {
  metric: MetricName;
  before: number | null;
  after: number | null;
  difference: number | null;
  change: number | null;
  low: number | null;
  high: number | null;
  is_clear: boolean;
}

interface Comparison {
  items: Difference[];
  block: "day" | "hour";
  blocks_before: number;
  blocks_after: number;
  cautions: string[];
}

export class Comparer {
  readonly #fields = {
    before_from: whenField("compare.before_from"),
    before_to: whenField("compare.before_to"),
    after_from: whenField("compare.after_from"),
    after_to: whenField("compare.after_to"),
  };
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #head = h("tr");
  readonly #body = h("tbody");
  readonly #basis = h("p", { class: "facts" });
  readonly #cautions = h("ul", { class: "cautions" });
  readonly #result = h("div", { class: "figure-table", hidden: true });
  readonly element: HTMLElement;
  #found: Comparison | null = null;

  constructor() {
    const now = Date.now();
    const starts = { before_from: 14, before_to: 7, after_from: 7, after_to: 0 } as const;
    for (const [name, days] of Object.entries(starts)) this.#fields[name as keyof typeof starts].input.value = picked(now - days * DAY_MS);
    const go = said("button", "primary", "compare.go");
    attribute(go, "type", "submit");
    const form = h("form", { class: "page-bar" }, ...Object.values(this.#fields).map(({ element }) => element), go);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#fetch();
    });
    const table = h("table", { class: "figures-twin" }, localText(h("caption"), "compare.table"), h("thead", {}, this.#head), this.#body);
    this.#result.append(table, this.#basis, this.#cautions);
    this.element = h("section", { class: "card comparer" }, said("h2", "", "compare.title"), form, this.#problem, this.#result);
    onSettings((_, changed) => changed === "language" && this.#draw());
  }

  async #fetch(): Promise<void> {
    const asked = Object.entries(this.#fields).map(([name, { iso }]) => [name, iso()]);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    try {
      this.#found = await get<Comparison>(`/figures/comparison?${new URLSearchParams([...asked, ["zone", zone]] as string[][])}`);
      text(this.#problem, "");
    } catch (error) {
      this.#found = null;
      text(this.#problem, (error as Error).message);
    }
    this.#draw();
  }

  #draw(): void {
    const found = this.#found;
    attribute(this.#result, "hidden", found === null);
    if (!found) return;
    const heads: Key[] = ["compare.figure", "compare.before", "compare.after", "compare.difference", "compare.interval", "compare.verdict"];
    this.#head.replaceChildren(...heads.map((head) => h("th", { scope: "col" }, t(head))));
    this.#body.replaceChildren(
      ...METRICS.flatMap((figure) => {
        const item = found.items.find(({ metric }) => metric === figure.name);
        return item ? [row(figure, item)] : [];
      }),
    );
    text(this.#basis, t(`compare.basis.${found.block}`, { n: found.blocks_before, m: found.blocks_after }));
    this.#cautions.replaceChildren(...found.cautions.map((caution) => h("li", {}, t(`compare.caution.${caution}` as Key))));
  }
}

function row(figure: Figure, item: Difference): HTMLElement {
  const shown = (value: number | null) => number(value === null ? null : value * figure.factor, figure.digits);
  const signed = (value: number) => `${value > 0 ? "+" : ""}${shown(value)}`;
  const change = item.change === null ? "" : ` (${item.change > 0 ? "+" : ""}${number(item.change * 100, 1)} %)`;
  const difference = item.difference === null ? "–" : signed(item.difference) + change;
  const interval = item.low === null || item.high === null ? "–" : `${signed(item.low)} … ${signed(item.high)}`;
  const isMore = (item.difference ?? 0) > 0;
  const verdict = !item.is_clear ? "unclear" : isMore === (figure.good === "more") ? "better" : "worse";
  const name = t(figure.label) + (figure.unit ? ` (${t(figure.unit)})` : "");
  const told = h("td", { class: "verdict words", "data-clear": item.is_clear ? verdict : null }, t(item.low === null ? "compare.unknown" : `compare.${verdict}`));
  return h("tr", {}, h("th", { scope: "row" }, name), ...[shown(item.before), shown(item.after), difference, interval].map((cell) => h("td", {}, cell)), told);
}
