/** Cases and units on the map: real buttons, the most urgent first, each with its shape and its time. */
import type { Map as MapLibre } from "maplibre-gl";
import { age_s } from "../clock";
import type { LonLat } from "../contract";
import { attribute, h, text } from "../dom";
import { age, t, term } from "../i18n";
import { Pins, type Pin } from "../map/pins";
import type { Selection } from "../panels/situation";
import type { CaseBook } from "./book";
import type { Worker } from "./contract";
import type { CaseLegend } from "./legend";
import { mark, setMark } from "./mark";
import { byTimeLeft, left_s, leftText, span, type Known } from "./timeleft";

/** Cases are few beside lanes: they are seen from far away too. */
const LEAST_ZOOM = 0;
const TICK_MS = 1_000;

interface CaseOnMap extends Pin {
  one: Known;
}

interface UnitOnMap extends Pin {
  unit: Worker;
}

export class CaseLayer {
  readonly #book: CaseBook;
  readonly #legend: CaseLegend;
  readonly #cases: Pins<CaseOnMap>;
  readonly #units: Pins<UnitOnMap>;
  readonly #drafts: Pins<Pin>;
  readonly #layer: HTMLElement;
  #selected: string | null = null;

  constructor(map: MapLibre, book: CaseBook, legend: CaseLegend, select: (selection: Selection) => void) {
    this.#book = book;
    this.#legend = legend;
    const layer = (name: string) => map.getCanvasContainer().appendChild(h("div", { class: `map-pins ${name}` }));
    const units = layer("unit-pins");
    this.#layer = layer("case-pins");
    const open = (id: string) => select({ kind: "case", id });
    this.#cases = new Pins(map, this.#layer, ({ key }) => makeCase(key, open), (element, pin) => this.#writeCase(element, pin.one), LEAST_ZOOM);
    this.#units = new Pins(map, units, () => makeUnit(), (element, pin) => writeUnit(element, pin.unit), LEAST_ZOOM);
    const drafted = () => h("div", { class: "pin-place" }, h("div", { class: "draft-pin", "aria-hidden": "true" }));
    this.#drafts = new Pins(map, layer("draft-pins"), drafted, () => undefined, LEAST_ZOOM);
    book.onChange(() => this.show());
    legend.onChange(() => this.show());
    window.setInterval(() => this.#cases.refresh(), TICK_MS);
    this.show();
  }

  show(): void {
    const shown = this.#book.open().filter((one) => this.#legend.shows(this.#book.urgency(one)));
    this.#cases.show(shown.toSorted(byTimeLeft).map((one) => ({ key: one.id, position: one.position, one })));
    const workers = this.#legend.showsUnits ? this.#book.workers.filter((unit) => unit.on_duty && unit.position) : [];
    this.#units.show(workers.map((unit) => ({ key: unit.worker, position: unit.position as LonLat, unit })));
  }

  /** Where the case would lie that is being reported. */
  mark(position: LonLat | null): void {
    this.#drafts.show(position ? [{ key: "draft", position }] : []);
  }

  select(id: string | null): void {
    this.#selected = id;
    this.#cases.refresh();
  }

  #writeCase(element: HTMLElement, { id }: Known): void {
    const one = this.#book.cases.get(id);
    const button = element.firstElementChild;
    const label = button?.lastElementChild;
    if (!one || !button || !label) return;
    setMark(button, this.#book.urgency(one));
    attribute(button, "data-selected", id === this.#selected);
    const left = left_s(one);
    text(label, left === null ? "" : left < 0 ? `−${span(left)}` : span(left));
    const name = [this.#book.className(one.class), one.number, term("stage", one.stage), leftText(one)].join(", ");
    attribute(button, "aria-label", name);
    attribute(button, "title", name);
  }
}

function makeCase(id: string, open: (id: string) => void): HTMLElement {
  const button = h("button", { type: "button", class: "case-pin", "data-case": id, click: () => open(id) }, mark(), h("span", { class: "case-pin-left" }));
  return h("div", { class: "pin-place" }, button);
}

function makeUnit(): HTMLElement {
  return h("div", { class: "pin-place" }, h("div", { class: "unit-pin", role: "img" }, h("span", { class: "unit-name" })));
}

function writeUnit(element: HTMLElement, unit: Worker): void {
  const badge = element.firstElementChild;
  const name = badge?.firstElementChild;
  if (!badge || !name) return;
  attribute(badge, "data-stale", !unit.fresh);
  attribute(badge, "data-busy", unit.tasks > 0);
  text(name, unit.tasks > 0 ? `${unit.worker} · ${unit.tasks}` : unit.worker);
  const heard = unit.position_at ? t("agents.heard", { age: age(age_s(unit.position_at)) }) : "";
  const label = [unit.worker, unit.department && term("department", unit.department), t("units.tasks", { n: unit.tasks }), heard, unit.fresh ? "" : t("units.stale")];
  attribute(badge, "aria-label", label.filter(Boolean).join(", "));
  attribute(badge, "title", label.filter(Boolean).join(", "));
}
