/** The map's twin for keyboard and screen reader: intersections and lanes as sortable tables. */
import type { City } from "../city";
import { age_s } from "../clock";
import { attribute, h, keyed, text } from "../dom";
import { age, localLabel, localText, number, said, t, type Key } from "../i18n";
import { onSettings } from "../settings";
import { countdown, nameOf } from "./pin";
import { loads } from "./signals";
import type { Selection } from "./situation";

const MOST_ROWS = 500;

interface Cell {
  text: string;
  sort: number | string;
}

interface Column<T> {
  label: Key;
  cell: (item: T) => Cell;
}

const words = (value: string): Cell => ({ text: value, sort: value });
const amount = (value: number | null | undefined, digits = 0, unit: Key | null = null): Cell => {
  const known = value !== null && value !== undefined;
  return { text: known && unit ? `${number(value, digits)} ${t(unit)}` : number(value, digits), sort: value ?? -1 };
};

/** A table with a heading row of sort buttons; rows keep their element, so focus stays where it is. */
class SortableTable<T> {
  readonly element: HTMLElement;
  readonly #columns: readonly Column<T>[];
  readonly #key: (item: T) => string;
  readonly #open: (item: T) => void;
  readonly #body = h("tbody");
  readonly #none = said("p", "empty", "table.none");
  readonly #heads: HTMLElement[];
  #sorted = 0;
  #descending = false;

  constructor(caption: Key, columns: readonly Column<T>[], key: (item: T) => string, open: (item: T) => void) {
    this.#columns = columns;
    this.#key = key;
    this.#open = open;
    this.#heads = columns.map(({ label }, i) => {
      const button = localText(h("button", { type: "button", click: () => this.#sortBy(i) }), label);
      return h("th", { scope: "col" }, button);
    });
    const head = h("thead", {}, h("tr", {}, ...this.#heads));
    const table = h("table", { class: "twin" }, localText(h("caption"), caption), head, this.#body);
    this.element = h("div", { class: "twin-frame" }, table, this.#none);
  }

  show(items: readonly T[], filter: string): void {
    const rows = items
      .map((item) => ({ item, key: this.#key(item), cells: this.#columns.map(({ cell }) => cell(item)) }))
      .filter(({ cells }) => cells.some(({ text: value }) => value.toLowerCase().includes(filter)))
      .toSorted((a, b) => compare(a.cells[this.#sorted], b.cells[this.#sorted]) * (this.#descending ? -1 : 1));
    attribute(this.#none, "hidden", rows.length > 0);
    this.#heads.forEach((head, i) => {
      const order = this.#descending ? "descending" : "ascending";
      attribute(head, "aria-sort", i === this.#sorted ? order : "none");
    });
    keyed(
      this.#body,
      rows.slice(0, MOST_ROWS),
      ({ key }) => key,
      ({ item, cells }) => this.#row(item, cells.length),
      (row, { cells }) => {
        cells.forEach((cell, i) => {
          const place = row.children[i];
          if (place) text(i === 0 ? (place.firstElementChild ?? place) : place, cell.text);
        });
      },
    );
  }

  #row(item: T, width: number): HTMLTableRowElement {
    const open = h("button", { type: "button", class: "link", click: () => this.#open(item) });
    const rest = Array.from({ length: width - 1 }, () => h("td"));
    return h("tr", {}, h("th", { scope: "row" }, open), ...rest);
  }

  #sortBy(column: number): void {
    this.#descending = column === this.#sorted ? !this.#descending : false;
    this.#sorted = column;
  }
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
  if (typeof a?.sort === "number" && typeof b?.sort === "number") return a.sort - b.sort;
  return String(a?.sort).localeCompare(String(b?.sort), undefined, { numeric: true });
}

export class Tables {
  readonly element: HTMLElement;
  readonly #city: City;
  readonly #intersections: SortableTable<string>;
  readonly #lanes: SortableTable<string>;
  readonly #filter = localLabel(h("input", { type: "search", class: "filter", autocomplete: "off" }), "table.filter");
  #loads = new Map<string, { vehicles: number; queued: number }>();

  constructor(city: City, select: (selection: Selection) => void) {
    this.#city = city;
    const openIntersection = (id: string) => select({ kind: "intersection", id });
    const openLane = (lane: string) => {
      const intersection = city.lanes.get(lane)?.intersection;
      if (intersection) openIntersection(intersection);
    };
    this.#intersections = new SortableTable("table.intersections", this.#intersectionColumns(), String, openIntersection);
    this.#lanes = new SortableTable("table.lanes", this.#laneColumns(), String, openLane);
    const placeholder = () => attribute(this.#filter, "placeholder", t("table.filter"));
    placeholder();
    onSettings((_, changed) => changed === "language" && placeholder());
    this.#filter.addEventListener("input", () => this.refresh());
    const tables = [this.#intersections.element, this.#lanes.element];
    this.element = localLabel(h("section", { class: "tables", id: "tables", tabindex: -1 }, this.#filter, ...tables), "table.label");
    this.element.addEventListener("click", () => this.refresh());
    window.setInterval(() => this.refresh(), 1_000);
  }

  refresh(): void {
    if (this.element.hidden) return;
    this.#loads = loads(this.#city);
    const filter = this.#filter.value.trim().toLowerCase();
    this.#intersections.show([...this.#city.intersections.keys()], filter);
    this.#lanes.show([...this.#city.lanes.keys()], filter);
  }

  #intersectionColumns(): Column<string>[] {
    const { signals } = this.#city;
    const sure = (id: string) => (this.#city.isUncertain(signals.get(id)) ? undefined : signals.get(id));
    return [
      { label: "table.intersection", cell: (id) => words(nameOf(this.#city, id)) },
      { label: "table.mode", cell: (id) => words(t(`mode.${sure(id)?.mode ?? "uncertain"}`)) },
      { label: "table.phase", cell: (id) => amount((sure(id)?.phase ?? Number.NaN) + 1) },
      { label: "table.interval", cell: (id) => words(sure(id) ? t(`interval.${sure(id)?.interval ?? "flash"}`) : "–") },
      { label: "table.change", cell: (id) => this.#change(sure(id)) },
      { label: "table.vehicles", cell: (id) => amount(this.#loads.get(id)?.vehicles) },
      { label: "table.queued", cell: (id) => amount(this.#loads.get(id)?.queued) },
      { label: "table.heard", cell: (id) => heard(signals.get(id)?.at) },
    ];
  }

  #change(signal: ReturnType<City["signals"]["get"]>): Cell {
    if (!signal || signal.interval === "flash") return words("–");
    const { min_s, max_s } = this.#city.remaining_s(signal);
    return { text: countdown(min_s, max_s), sort: min_s };
  }

  #laneColumns(): Column<string>[] {
    const lane = (id: string) => this.#city.lanes.get(id);
    const speed = (id: string) => {
      const mps = lane(id)?.mean_speed_mps;
      return mps === null || mps === undefined ? null : mps * 3.6;
    };
    return [
      { label: "table.lane", cell: words },
      { label: "table.intersection", cell: (id) => words(nameOf(this.#city, lane(id)?.intersection ?? "")) },
      { label: "table.vehicles", cell: (id) => amount(lane(id)?.vehicles) },
      { label: "table.queued", cell: (id) => amount(lane(id)?.queued) },
      { label: "table.queue", cell: (id) => amount(lane(id)?.queue_m, 0, "unit.m") },
      { label: "table.speed", cell: (id) => amount(speed(id), 0, "unit.kmh") },
      { label: "table.occupancy", cell: (id) => ({ ...amount((lane(id)?.occupancy ?? 0) * 100), text: `${number((lane(id)?.occupancy ?? 0) * 100)} %` }) },
      { label: "table.heard", cell: (id) => heard(lane(id)?.at) },
    ];
  }
}

function heard(at: string | undefined): Cell {
  return at ? { text: age(age_s(at)), sort: age_s(at) } : words("–");
}
