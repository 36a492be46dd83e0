/** The mark of a case's time: a shape for each urgency, so that nobody needs the colour. */
import { svg } from "../dom";
import type { Urgency } from "./timeleft";

const PATHS: Record<Urgency, string> = {
  late: "M10 1 19 10 10 19 1 10Z",
  soon: "M10 2 19 18H1Z",
  fine: "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z",
  still: "M3 2h5v16H3ZM12 2h5v16h-5Z",
  none: "M10 3.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13Z",
};

export function mark(): SVGSVGElement {
  return svg("svg", { viewBox: "0 0 20 20", class: "case-mark", "aria-hidden": "true", focusable: "false" }, svg("path"));
}

/** Shows `urgency`; its colour comes from `data-urgency`. */
export function setMark(element: Element, urgency: Urgency): void {
  if (element.getAttribute("data-urgency") === urgency) return;
  element.setAttribute("data-urgency", urgency);
  element.querySelector("path")?.setAttribute("d", PATHS[urgency]);
}
