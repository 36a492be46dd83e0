/** The seven stages of a case in a row: what lies behind, where it stands, what is to come. */
import { attribute, h, keyed, text } from "../dom";
import { t } from "../i18n";
import { STAGES, type Stage } from "./contract";

export function stageLine(): HTMLOListElement {
  return h("ol", { class: "stage-line" });
}

export function showStage(line: HTMLOListElement, stage: Stage): void {
  const at = STAGES.indexOf(stage as (typeof STAGES)[number]);
  attribute(line, "aria-label", t("cases.stage_line"));
  const make = () => h("li", {}, h("span", { class: "stage-dot", "aria-hidden": "true" }), h("span", { class: "stage-name" }));
  keyed(line, STAGES, String, make, (item, name) => {
    const place = STAGES.indexOf(name);
    attribute(item, "data-place", at < 0 ? "out" : place < at ? "done" : place === at ? "now" : "next");
    attribute(item, "aria-current", place === at ? "step" : null);
    const label = item.lastElementChild;
    if (label) text(label, t(`stage.${name}`));
  });
}
