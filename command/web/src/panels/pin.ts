/** An intersection's pin: a ring that empties towards the change, the seconds in it, and who times the signal. */
import type { City } from "../city";
import type { LonLat, SignalNow } from "../contract";
import { attribute, h, svg, text } from "../dom";
import { t } from "../i18n";

export interface IntersectionPin {
  key: string;
  position: LonLat;
}

const RADIUS = 15;
const ROUND = 2 * Math.PI * RADIUS;

export const nameOf = (city: City, intersection: string): string =>
  city.intersections.get(intersection)?.name || intersection;

/** Whole seconds to the change: "7" fixed, "7+" at least, "≤7" at any moment until then, "–" unbounded. */
export function countdown(min_s: number, max_s: number | null): string {
  const least = Math.ceil(min_s - 0.05);
  const most = max_s === null ? null : Math.ceil(max_s - 0.05);
  if (most !== null && most <= least) return String(Math.max(0, most));
  if (least > 0) return `${least}+`;
  return most === null ? "–" : `≤${most}`;
}

export function makePin(open: (intersection: string) => void, { key }: IntersectionPin): HTMLElement {
  const ring = svg("circle", { class: "pin-ring", cx: 18, cy: 18, r: RADIUS, transform: "rotate(-90 18 18)" });
  const dial = svg(
    "svg",
    { viewBox: "0 0 36 36", class: "pin-dial", "aria-hidden": "true" },
    svg("circle", { class: "pin-face", cx: 18, cy: 18, r: 17 }),
    svg("circle", { class: "pin-track", cx: 18, cy: 18, r: RADIUS }),
    ring,
  );
  const button = h(
    "button",
    { type: "button", class: "pin", "data-intersection": key, click: () => open(key) },
    dial,
    h("span", { class: "pin-count" }),
    h("span", { class: "pin-mode", "aria-hidden": "true" }),
  );
  return h("div", { class: "pin-place" }, button);
}

export function updatePin(city: City, element: HTMLElement, { key }: IntersectionPin): void {
  const button = element.firstElementChild as HTMLElement;
  const signal = city.signals.get(key);
  const uncertain = city.isUncertain(signal);
  attribute(button, "data-mode", uncertain ? "uncertain" : (signal?.mode ?? "uncertain"));
  attribute(button, "data-interval", uncertain ? "uncertain" : (signal?.interval ?? "uncertain"));
  attribute(button, "aria-label", label(city, key, signal, uncertain));
  const count = button.querySelector(".pin-count");
  const ring = button.querySelector(".pin-ring");
  if (!count || !ring) return;
  if (!signal || uncertain || signal.interval === "flash") {
    text(count, signal && !uncertain ? "!" : "?");
    attribute(ring, "stroke-dasharray", `0 ${ROUND.toFixed(1)}`);
    return;
  }
  const { min_s, max_s } = city.remaining_s(signal);
  text(count, countdown(min_s, max_s));
  const whole_s = signal.elapsed_s + (signal.max_remaining_s ?? signal.min_remaining_s);
  const share = whole_s > 0 ? Math.min(1, (max_s ?? min_s) / whole_s) : 0;
  attribute(ring, "stroke-dasharray", `${(share * ROUND).toFixed(1)} ${ROUND.toFixed(1)}`);
}

function label(city: City, key: string, signal: SignalNow | undefined, uncertain: boolean): string {
  const name = nameOf(city, key);
  if (!signal || uncertain) return `${t("intersection.title", { name })}, ${t("mode.uncertain")}`;
  const mode = t(`mode.${signal.mode}`);
  return t("intersection.pin", { name, mode, phase: signal.phase + 1, interval: t(`interval.${signal.interval}`) });
}
