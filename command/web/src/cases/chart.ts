/** How long cases took, as bars; drawn here, so that it prints and scales without an outside library. */
import { svg } from "../dom";
import { number, t } from "../i18n";
import type { HandlingTimes } from "./contract";

const WIDTH = 640;
const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 40;
const TOP = 24;
const LINES = 4;

/** Steps of 1, 2 or 5 that whole numbers fall on. */
function step(most: number): number {
  const rough = Math.max(1, most / LINES);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((part) => part * power).find((size) => size >= rough) ?? rough;
}

/** Hours below two days, then days. */
function upTo(upper_h: number, before_h: number): string {
  if (upper_h > 20_000) return t("evaluation.more_than", { span: before_h < 48 ? t("age.h", { n: before_h }) : t("age.d", { n: before_h / 24 }) });
  return upper_h < 48 ? t("age.h", { n: upper_h }) : t("age.d", { n: upper_h / 24 });
}

export function histogram({ histogram: bars }: HandlingTimes): SVGSVGElement {
  const most = Math.max(1, ...bars.map((bar) => bar.number));
  const size = step(most);
  const top = Math.ceil(most / size) * size;
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  const wide = (WIDTH - LEFT) / Math.max(1, bars.length);
  const said = bars.map(({ upper_h, number: n }, i) => `${upTo(upper_h, bars[i - 1]?.upper_h ?? 0)}: ${n}`).join("; ");
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": `${t("evaluation.times")}. ${said}` });
  for (let value = 0; value <= top; value += size) {
    chart.append(svg("line", { class: "chart-line", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }));
    chart.append(svg("text", { class: "chart-text", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  for (const [i, { upper_h, number: n }] of bars.entries()) {
    const x = LEFT + i * wide;
    const middle = x + wide / 2;
    chart.append(svg("rect", { class: "chart-bar", x: x + 4, width: wide - 8, y: y(n), height: y(0) - y(n), rx: 2 }));
    if (n > 0) chart.append(svg("text", { class: "chart-value", x: middle, y: y(n) - 5, "text-anchor": "middle" }, number(n)));
    chart.append(svg("text", { class: "chart-text", x: middle, y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, upTo(upper_h, bars[i - 1]?.upper_h ?? 0)));
  }
  chart.append(svg("text", { class: "chart-text", x: LEFT + (WIDTH - LEFT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, t("evaluation.axis")));
  return chart;
}
