/** All signals, busiest first, each with its seconds and its queue. */
import type { City } from "../city";
import { attribute, h, keyed, text } from "../dom";
import { number, said, t } from "../i18n";
import { makePin, nameOf, updatePin } from "./pin";
import type { Part, Selection } from "./situation";

interface Row {
  key: string;
  position: [number, number];
  vehicles: number;
  queued: number;
}

/** Vehicles and queued vehicles by intersection. */
export function loads(city: City): Map<string, { vehicles: number; queued: number }> {
  const sums = new Map<string, { vehicles: number; queued: number }>();
  for (const { intersection, vehicles, queued } of city.lanes.values()) {
    const sum = sums.get(intersection) ?? { vehicles: 0, queued: 0 };
    sum.vehicles += vehicles;
    sum.queued += queued;
    sums.set(intersection, sum);
  }
  return sums;
}

export class SignalList implements Part {
  readonly #list = h("ul", { class: "signal-list" });
  readonly #none = said("p", "empty", "intersection.none");
  readonly element = h("section", { class: "part" }, this.#none, this.#list);
  readonly #city: City;
  readonly #select: (selection: Selection) => void;

  constructor(city: City, select: (selection: Selection) => void) {
    this.#city = city;
    this.#select = select;
  }

  /** Signals that nobody has heard of. */
  count(): number {
    const { signals } = this.#city;
    return [...this.#city.intersections.keys()].filter((id) => this.#city.isUncertain(signals.get(id))).length;
  }

  refresh(): void {
    const sums = loads(this.#city);
    const rows = [...this.#city.intersections.values()].map(({ intersection, position }) => {
      const load = sums.get(intersection) ?? { vehicles: 0, queued: 0 };
      return { key: intersection, position, ...load };
    });
    // A steady order: rows that change places every second cannot be read or clicked.
    const named = rows.toSorted((a, b) => nameOf(this.#city, a.key).localeCompare(nameOf(this.#city, b.key)));
    const most = Math.max(1, ...rows.map(({ queued }) => queued));
    attribute(this.#none, "hidden", rows.length > 0);
    keyed(this.#list, named, ({ key }) => key, (row) => this.#make(row), (item, row) => this.#update(item, row, most));
  }

  #make(row: Row): HTMLLIElement {
    const open = () => this.#select({ kind: "intersection", id: row.key });
    const dial = makePin(open, row);
    attribute(dial.firstElementChild as Element, "tabindex", -1);
    const parts = ["signal-name", "signal-mode", "signal-load"].map((name) => h("span", { class: name }));
    const meter = h("meter", { class: "signal-meter", min: 0, low: 0.5, high: 0.8, max: 1 });
    return h("li", { class: "signal-row" }, dial, h("button", { type: "button", class: "signal", click: open }, ...parts, meter));
  }

  #update(item: HTMLLIElement, row: Row, most: number): void {
    const [dial, button] = [...item.children] as [HTMLElement, HTMLElement];
    updatePin(this.#city, dial, row);
    const [name, mode, load, meter] = [...button.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLMeterElement];
    const signal = this.#city.signals.get(row.key);
    text(name, nameOf(this.#city, row.key));
    text(mode, t(signal && !this.#city.isUncertain(signal) ? `mode.${signal.mode}` : "mode.uncertain"));
    text(load, `${t("table.queued")} ${number(row.queued)} / ${number(row.vehicles)}`);
    attribute(meter, "aria-label", t("table.queued"));
    meter.value = row.queued / most;
  }
}
