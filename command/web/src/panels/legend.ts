/** What the colours mean, and the switch between queue and speed. */
import { h } from "../dom";
import { localLabel, localText, said, type Key } from "../i18n";
import { onSettings, settings } from "../settings";
import { RAMP_STEPS } from "../map/palette";
import { choice } from "./choice";

const SIGNALS: readonly [string, Key][] = [
  ["protected", "legend.protected"],
  ["permissive", "legend.permissive"],
  ["yellow", "legend.yellow"],
  ["red", "legend.red"],
  ["unknown", "legend.dark"],
];
const MODES: readonly [string, Key][] = [
  ["commanded", "mode.commanded"],
  ["local", "mode.local"],
  ["flash", "mode.flash"],
];

export function legend(): HTMLElement {
  const low = h("span");
  const high = h("span");
  const name = () => {
    const { colouring } = settings;
    low.replaceChildren(said("span", "", `legend.${colouring}.low`));
    high.replaceChildren(said("span", "", `legend.${colouring}.high`));
  };
  name();
  onSettings((_, changed) => changed === "colouring" && name());
  const steps = Array.from({ length: RAMP_STEPS }, (_, i) => h("i", { class: `ramp-step strain-${i}` }));
  const colouring = choice("colouring", "legend.title", [
    { value: "queue", content: () => said("span", "", "legend.queue") },
    { value: "speed", content: () => said("span", "", "legend.speed") },
  ]);
  const entry = (kind: string, value: string, key: Key) =>
    h("li", {}, h("i", { class: `swatch ${kind}-${value}`, "aria-hidden": "true" }), said("span", "", key));
  const body = h(
    "div",
    { class: "legend-body" },
    h("div", { class: "legend-row" }, said("h2", "", "legend.title"), colouring),
    h("div", { class: "ramp", "aria-hidden": "true" }, ...steps),
    h("div", { class: "ramp-ends" }, low, high),
    said("h2", "", "legend.signals"),
    h("ul", { class: "legend-list" }, ...SIGNALS.map(([value, key]) => entry("signal", value, key))),
    h("ul", { class: "legend-list modes" }, ...MODES.map(([value, key]) => entry("mode", value, key))),
  );
  const summary = localText(h("summary", {}), "legend.toggle");
  const wide = window.matchMedia("(min-width: 720px) and (min-height: 560px)").matches;
  return localLabel(h("details", { class: "legend card", open: wide }, summary, body), "legend.toggle");
}
