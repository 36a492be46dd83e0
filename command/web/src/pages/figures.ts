/** Key figures by hour, day and district, as courses, as a table and as files; and two periods compared. */
import { BASE, get } from "../api";
import { attribute, h, text } from "../dom";
import { dayAndHour, localLabel, localText, number, said, t, type Key } from "../i18n";
import { onSettings } from "../settings";
import { chart, key, type Line } from "./chart";
import { Comparer } from "./comparer";
import { METRICS, type Figure, type FigureRow } from "./metrics";
import { picked, whenField } from "./period";
import type { Page } from "./pages";

const FILES = ["csv", "parquet", "png"] as const;
const DAY_MS = 86_400_000;
/** More rows than these say nothing beside the files. */
const MOST_ROWS = 400;

export class FiguresPage implements Page {
  readonly #from = whenField("figures.from");
  readonly #to = whenField("figures.to");
  readonly #bucket = select("figures.bucket", ["1h", "1day"], (value) => `figures.bucket.${value}` as Key);
  readonly #by = select("figures.by", ["all", "district"], (value) => `figures.by.${value}` as Key);
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #charts = h("div", { class: "charts" });
  readonly #key = h("div");
  readonly #body = h("tbody");
  readonly #head = h("tr");
  readonly #links = FILES.map((kind) => localLabel(h("a", { class: "secondary", download: `figures.${kind}`, href: "#" }, kind.toUpperCase()), `figures.as_${kind}`, true));
  readonly #comparer = new Comparer();
  readonly element: HTMLElement;
  #asked = false;
  #rows: FigureRow[] = [];

  constructor() {
    this.#from.input.value = picked(Date.now() - DAY_MS);
    this.#to.input.value = picked(Date.now());
    const show = said("button", "primary", "figures.show");
    attribute(show, "type", "submit");
    const form = h("form", { class: "page-bar" }, this.#from.element, this.#to.element, this.#bucket.element, this.#by.element, show, h("span", { class: "downloads" }, ...this.#links));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#fetch();
    });
    for (const control of [this.#from.input, this.#to.input, this.#bucket.input, this.#by.input]) control.addEventListener("change", () => this.#link());
    const table = h("table", { class: "figures-twin" }, localText(h("caption"), "figures.table"), h("thead", {}, this.#head), this.#body);
    this.element = localLabel(
      h(
        "section",
        { class: "page figures", tabindex: -1 },
        form,
        this.#problem,
        this.#key,
        this.#charts,
        h("div", { class: "card figure-table", tabindex: 0, role: "region", "aria-label": t("figures.table") }, table),
        this.#comparer.element,
      ),
      "figures.label",
    );
    onSettings((_, changed) => changed === "language" && this.#draw());
  }

  refresh(): void {
    if (this.#asked) return;
    this.#asked = true;
    void this.#fetch();
  }

  #query(): string {
    const asked = {
      from: this.#from.iso(), to: this.#to.iso(), bucket: this.#bucket.input.value, by: this.#by.input.value,
      zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }; // prettier-ignore
    return new URLSearchParams(asked).toString();
  }

  #link(): void {
    this.#links.forEach((link, i) => attribute(link, "href", `${BASE}/figures.${FILES[i]}?${this.#query()}`));
  }

  async #fetch(): Promise<void> {
    this.#link();
    try {
      this.#rows = (await get<{ items: FigureRow[] }>(`/figures?${this.#query()}`)).items;
      text(this.#problem, this.#rows.length === 0 ? t("figures.none") : "");
    } catch (error) {
      this.#rows = [];
      text(this.#problem, (error as Error).message);
    }
    this.#draw();
  }

  #draw(): void {
    const places = [...new Set(this.#rows.map(({ district }) => district))];
    const name = (district: string | null) => district ?? t(places.length > 1 ? "figures.elsewhere" : "figures.by.all");
    const isDay = this.#bucket.input.value === "1day";
    const when = (at_ms: number) => dayAndHour(at_ms, isDay);
    const lines = (figure: Figure): Line[] =>
      places.map((district) => ({
        name: name(district),
        points: this.#rows
          .filter((row) => row.district === district)
          .map((row) => ({ at_ms: Date.parse(row.start), value: figure.value(row) })),
      }));
    this.#key.replaceChildren(key(places.map(name)));
    this.#charts.replaceChildren(...METRICS.map((figure) => chart(t(figure.label), figure.unit ? t(figure.unit) : "", lines(figure), figure.digits, when)));
    const heads = [t("figures.start"), t("figures.place"), t("figures.vehicles"), ...METRICS.map(({ label, unit }) => t(label) + (unit ? ` (${t(unit)})` : ""))];
    this.#head.replaceChildren(...heads.map((head) => h("th", { scope: "col" }, head)));
    this.#body.replaceChildren(
      ...this.#rows.slice(-MOST_ROWS).map((row) => {
        const cells = [name(row.district), number(row.vehicles), ...METRICS.map((figure) => number(figure.value(row), figure.digits))];
        return h("tr", {}, h("th", { scope: "row" }, when(Date.parse(row.start))), ...cells.map((cell) => h("td", {}, cell)));
      }),
    );
  }
}

function select(label: Key, values: string[], name: (value: string) => Key) {
  const input = h("select", { id: label, class: "field-input" }, ...values.map((value) => localText(h("option", { value }), name(value))));
  return { input, element: h("div", { class: "field" }, localText(h("label", { class: "field-label", for: label }), label), input) };
}
