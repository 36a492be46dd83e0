/** Small courses of one figure over time, a line for each place; the table beside them tells the numbers. */
import { h, svg } from "../dom";
import { number } from "../i18n";

const WIDTH = 300;
const HEIGHT = 100;
const MOST_LINES = 4;

export interface Line {
  name: string;
  points: { at_ms: number; value: number | null }[];
}

/** A figure from zero up; gaps where nothing is known. */
export function chart(title: string, unit: string, lines: Line[], digits: number, dayOf: (at_ms: number) => string): HTMLElement {
  const all = lines.flatMap(({ points }) => points);
  const known = all.flatMap(({ value }) => (value === null ? [] : [value]));
  const most = Math.max(...known, 1e-9);
  const [first, last] = [Math.min(...all.map(({ at_ms }) => at_ms)), Math.max(...all.map(({ at_ms }) => at_ms))];
  const x = (at_ms: number) => (last > first ? ((at_ms - first) / (last - first)) * WIDTH : WIDTH / 2);
  const y = (value: number) => HEIGHT - (value / most) * (HEIGHT - 4);
  const paths = lines.slice(0, MOST_LINES).map(({ points }, i) => {
    let pen = "M";
    const d = points.map(({ at_ms, value }) => {
      const piece = value === null ? "" : `${pen}${x(at_ms).toFixed(1)},${y(value).toFixed(1)}`;
      pen = value === null ? "M" : "L";
      return piece;
    });
    return svg("path", { class: `chart-line line-${i}`, d: d.join("") });
  });
  // A single bucket makes no line.
  const dots = lines.slice(0, MOST_LINES).flatMap(({ points }) =>
    points.length === 1 && points[0] && points[0].value !== null ? [svg("path", { class: "chart-dot", d: `M${x(points[0].at_ms)},${y(points[0].value)}h0.01` })] : [],
  );
  const base = svg("path", { class: "chart-base", d: `M0,${HEIGHT}H${WIDTH}` });
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const top = known.length > 0 ? `≤ ${number(most, digits)} ${unit}`.trim() : "–";
  const ends = all.length > 0 ? [dayOf(first), dayOf(last)] : ["", ""];
  return h(
    "figure",
    { class: "chart card" },
    h("figcaption", {}, title, h("span", {}, top)),
    svg("svg", box, base, ...paths, ...dots),
    h("div", { class: "chart-ends" }, ...ends.map((end) => h("span", {}, end))),
  );
}

/** Which line is which place; nothing for a single one. */
export function key(names: string[]): HTMLElement {
  const entries = names.slice(0, MOST_LINES).map((name, i) => {
    const line = svg("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, svg("path", { class: `chart-line line-${i}`, d: "M0,5H30" }));
    return h("span", {}, line, name);
  });
  return h("p", { class: "chart-key", hidden: names.length < 2 }, ...entries);
}
