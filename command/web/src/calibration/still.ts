/** A camera's blurred still with what is drawn over it. */
import { h, svg } from "../dom";
import type { Draft, Fit, Mode, Shape, Spot } from "./draft";

/** The drawing's own units across and down; strokes keep their width whatever the picture's shape. */
const SIDE = 1000;
const at = ([x, y]: Spot): string => `${x * SIDE},${y * SIDE}`;

export class Still {
  readonly image = h("img", { class: "still-image", decoding: "async" });
  readonly #drawn = svg("svg", { class: "still-drawing", viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  readonly element = h("div", { class: "still" }, this.image, this.#drawn);

  constructor(point: (spot: Spot) => void) {
    this.element.addEventListener("click", (event) => {
      const { left, top, width, height } = this.element.getBoundingClientRect();
      point([(event.clientX - left) / width, (event.clientY - top) / height]);
    });
  }

  draw(draft: Draft, fit: Fit | null, mode: Mode, active: Shape | null): void {
    const shapes = (["lanes", "lines", "zones"] as const).flatMap((kind) =>
      draft.shapes[kind].map((shape) => {
        const points = shape.path.map(at).join(" ");
        const drawn = { class: `drawn drawn-${kind}`, points, "data-active": kind === mode && shape === active };
        return kind === "zones" ? svg("polygon", drawn) : svg("polyline", drawn);
      }),
    );
    const expected = (fit?.points ?? []).map(({ x, y }) => this.#dot([x, y], "drawn-expected"));
    const pairs = draft.pairs.flatMap(({ image }) => (image ? [this.#dot(image, "drawn-point")] : []));
    this.#drawn.replaceChildren(...shapes, ...expected, ...pairs);
  }

  /** A line of no length with round ends: a dot that is round in a stretched drawing too. */
  #dot([x, y]: Spot, name: string): SVGElement {
    return svg("line", { class: `drawn ${name}`, x1: x * SIDE, y1: y * SIDE, x2: x * SIDE + 0.01, y2: y * SIDE });
  }
}
