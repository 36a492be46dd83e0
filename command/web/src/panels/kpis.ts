/** The strip of key figures, each with the last minutes as a small line. */
import type { City } from "../city";
import type { Kpis } from "../contract";
import { h, svg, text } from "../dom";
import { localLabel, localText, number, t, type Key } from "../i18n";
import type { MapLatency } from "../latency";
import { onSettings } from "../settings";

const WIDTH = 96;
const HEIGHT = 24;

interface Figure {
  name: string;
  label: Key;
  value: (kpis: Kpis) => number | null;
  digits: number;
  unit: Key | null;
  /** Milliseconds read better than seconds where all is well below one. */
  isLatency?: boolean;
  note?: (kpis: Kpis) => string;
}

interface Tile {
  figure: Figure;
  value: HTMLElement;
  unit: HTMLElement;
  note: HTMLElement;
  line: SVGPolylineElement;
  area: SVGPolygonElement;
}

function latency(value_s: number | null): string {
  if (value_s === null) return "–";
  return value_s < 1 ? `${number(value_s * 1000)} ${t("unit.ms")}` : `${number(value_s, 1)} ${t("unit.s")}`;
}

export class KpiStrip {
  readonly element: HTMLElement;
  readonly #city: City;
  readonly #tiles: Tile[];

  constructor(city: City, mapLatency: MapLatency) {
    this.#city = city;
    const figures: Figure[] = [
      { name: "vehicles", label: "kpi.vehicles", value: (k) => k.vehicles, digits: 0, unit: null },
      { name: "delay", label: "kpi.delay", value: (k) => k.mean_delay_s, digits: 1, unit: "unit.s" },
      { name: "stops", label: "kpi.stops", value: (k) => k.stops_per_vehicle, digits: 2, unit: null },
      { name: "throughput", label: "kpi.throughput", value: (k) => k.throughput_veh_h, digits: 0, unit: "unit.veh_h" },
      {
        name: "commanded", label: "kpi.commanded", value: (k) => k.commanded, digits: 0, unit: null,
        note: (k) => t("kpi.of", { n: k.intersections }),
      },
      { name: "stored", label: "kpi.stored", value: (k) => k.stored_per_s, digits: 1, unit: "unit.per_s" },
      {
        name: "latency-stored", label: "kpi.latency_stored", value: (k) => k.latency_stored_p50_s, digits: 0, unit: null,
        isLatency: true, note: (k) => t("kpi.p99", { value: latency(k.latency_stored_p99_s) }),
      },
      {
        name: "latency-map", label: "kpi.latency_map", digits: 0, unit: null, isLatency: true,
        value: (k) => k.latency_map_p50_s ?? (city.isPast ? null : mapLatency.quantile_s(0.5)),
        note: (k) => t("kpi.p99", { value: latency(k.latency_map_p99_s ?? (city.isPast ? null : mapLatency.quantile_s(0.99))) }),
      },
    ]; // prettier-ignore
    this.#tiles = figures.map(tile);
    this.element = localLabel(h("section", { class: "kpis" }), "kpi.label");
    this.element.append(h("dl", { class: "kpi-list" }, ...this.#tiles.map(elementOf)));
    city.onFrame((changes) => changes.kpis && this.refresh());
    onSettings((_, changed) => changed === "language" && this.refresh());
    this.refresh();
  }

  refresh(): void {
    const latest = this.#city.kpis.at(-1);
    for (const { figure, value, unit, note, line, area } of this.#tiles) {
      const now = latest ? figure.value(latest) : null;
      const [amount = "–", unitText = ""] = figure.isLatency
        ? latency(now).split(" ")
        : [number(now, figure.digits), figure.unit && now !== null ? t(figure.unit) : ""];
      text(value, amount);
      text(unit, unitText);
      text(note, latest && figure.note ? figure.note(latest) : "");
      const points = sparkline(this.#city.kpis.map(figure.value));
      line.setAttribute("points", points);
      area.setAttribute("points", points ? `0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}` : "");
    }
  }
}

function tile(figure: Figure): Tile {
  return {
    figure,
    value: h("span", { class: "kpi-value" }),
    unit: h("span", { class: "kpi-unit" }),
    note: h("span", { class: "kpi-note" }),
    line: svg("polyline", { class: "spark-line" }),
    area: svg("polygon", { class: "spark-area" }),
  };
}

function elementOf({ figure, value, unit, note, line, area }: Tile): HTMLElement {
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" };
  return h(
    "div",
    { class: "kpi", "data-kpi": figure.name },
    localText(h("dt", { class: "kpi-label" }), figure.label),
    h("dd", {}, value, unit, note),
    svg("svg", box, area, line),
  );
}

/** The values as points from the left to the right edge; too few make no line. */
function sparkline(values: (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length < 3) return "";
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const spread = Math.max(high - low, Math.abs(high) * 0.05, 1e-9);
  const middle = (low + high) / 2;
  return known
    .map((value, i) => {
      const x = (i / (known.length - 1)) * WIDTH;
      const y = HEIGHT / 2 - ((value - middle) / spread) * (HEIGHT - 4);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
