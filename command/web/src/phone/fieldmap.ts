/** A map in a page of the phone: loaded when it is shown, with the streets that are known and a mark for oneself. */
import type { LonLat } from "../contract";
import { h, text } from "../dom";
import { t } from "../i18n";
import type { Mark, SmallMap } from "../map/small";
import type { Field } from "./field";
import type { Whereabouts } from "./whereabouts";

export class FieldMap {
  readonly element: HTMLElement;
  readonly #canvas = h("div", { class: "small-map", role: "region" });
  readonly #told = h("p", { class: "hint", role: "status" });
  readonly #field: Field;
  readonly #whereabouts: Whereabouts;
  readonly #marks: () => Mark[];
  #map: SmallMap | null = null;
  #stop: (() => void) | null = null;

  constructor(field: Field, whereabouts: Whereabouts, marks: () => Mark[]) {
    this.#field = field;
    this.#whereabouts = whereabouts;
    this.#marks = marks;
    this.element = h("div", { class: "small-map-frame" }, this.#canvas, this.#told);
  }

  /** Loads it; `opened` is called with the map. */
  async open(opened: (map: SmallMap) => void = () => undefined): Promise<void> {
    this.#canvas.setAttribute("aria-label", t("field.map"));
    text(this.#told, t("field.map.loading"));
    const marks = this.#marks();
    const around: LonLat | null = marks[0]?.position ?? this.#whereabouts.last?.position ?? null;
    try {
      const [{ smallMap }, streets] = await Promise.all([import("../map/small"), this.#field.streets(around)]);
      const center = around ?? streets?.center ?? [0, 0];
      this.#map = await smallMap(this.#canvas, center);
      if (streets) this.#map.streets(streets);
      text(this.#told, streets?.center ? "" : t("field.map.bare"));
      this.#map.fit(this.#all().map(({ position }) => position));
      this.#stop = this.#whereabouts.follow(() => this.refresh());
      this.refresh();
      opened(this.#map);
    } catch (error) {
      text(this.#told, t("field.map.failed", { reason: (error as Error).message }));
    }
  }

  refresh(): void {
    this.#map?.marks(this.#all());
  }

  close(): void {
    this.#stop?.();
    this.#map?.remove();
    this.#map = null;
  }

  #all(): Mark[] {
    const here = this.#whereabouts.last;
    const own: Mark[] = here ? [{ id: "me", position: here.position, kind: "me", label: t("field.map.me") }] : [];
    return [...this.#marks(), ...own];
  }
}
