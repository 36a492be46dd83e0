/** Choosing a place: the device's own, or a tap on a map that is loaded only then. */
import type { LonLat } from "../contract";
import { attribute, h, text } from "../dom";
import { askHere } from "../here";
import { said, t, type Key } from "../i18n";
import { icon } from "../panels/icons";
import type { Mark, SmallMap } from "../map/small";
import { ask } from "./calls";

export class PlaceChoice {
  readonly element: HTMLElement;
  position: LonLat | null = null;
  readonly #changed: (position: LonLat) => void;
  readonly #told = h("p", { class: "hint", role: "status" });
  readonly #canvas = h("div", { class: "small-map", role: "region", hidden: true });
  readonly #mapButton = said("button", "secondary", "report.on_map");
  #others: readonly Mark[] = [];
  #map: SmallMap | null = null;

  /** `changed` is called with each place that is chosen. */
  constructor(changed: (position: LonLat) => void) {
    this.#changed = changed;
    const here = said("button", "secondary here-button", "report.here");
    here.prepend(icon("pin"));
    here.addEventListener("click", () => void this.#here());
    this.#mapButton.addEventListener("click", () => void this.openMap());
    this.element = h("div", { class: "stack" }, h("div", { class: "pair" }, here, this.#mapButton), this.#told, this.#canvas);
  }

  say(key: Key): void {
    text(this.#told, t(key));
  }

  focus(): void {
    this.element.querySelector("button")?.focus();
  }

  clear(): void {
    this.position = null;
    text(this.#told, "");
    this.#draw();
  }

  /** Marks beside the chosen place. */
  marks(others: readonly Mark[]): void {
    this.#others = others;
    this.#draw();
  }

  async #here(): Promise<void> {
    this.say("report.seeking");
    try {
      const { position, accuracy_m } = await askHere();
      text(this.#told, t("report.here_known", { n: accuracy_m ?? "?" }));
      this.#set(position);
      this.#map?.show(position);
    } catch {
      this.say("report.here_refused");
    }
  }

  #set(position: LonLat): void {
    this.position = position;
    this.#draw();
    this.#changed(position);
  }

  async openMap(): Promise<void> {
    attribute(this.#mapButton, "hidden", true);
    attribute(this.#canvas, "hidden", false);
    attribute(this.#canvas, "aria-label", t("report.map"));
    try {
      const [{ smallMap }, streets] = await Promise.all([import("../map/small"), ask.streets(this.position)]);
      this.#map = await smallMap(this.#canvas, this.position ?? streets.center ?? [0, 0], 15.5);
      this.#map.streets(streets);
      this.#map.onPick(([lon, lat]) => {
        this.say("report.picked");
        this.#set([Math.round(lon * 1e6) / 1e6, Math.round(lat * 1e6) / 1e6]);
      });
      if (!this.position) this.say("report.tap");
      this.#draw();
    } catch (error) {
      attribute(this.#canvas, "hidden", true);
      attribute(this.#mapButton, "hidden", false);
      text(this.#told, t("report.map_failed", { reason: (error as Error).message }));
    }
  }

  #draw(): void {
    const spot: Mark[] = this.position ? [{ id: "spot", position: this.position, kind: "spot", label: t("report.spot") }] : [];
    this.#map?.marks([...this.#others, ...spot]);
  }
}
