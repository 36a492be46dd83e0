/** The way to a place: how far, which direction, and the device's own navigation. */
import type { LonLat } from "../contract";
import { attribute, h, text } from "../dom";
import { bearing_deg, distance_m, geoLink } from "../here";
import { localText, t } from "../i18n";
import { icon } from "../panels/icons";
import type { Whereabouts } from "./whereabouts";
import { distanceText } from "./words";

const WINDS = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;

export class Way {
  readonly element: HTMLElement;
  readonly #whereabouts: Whereabouts;
  readonly #to: LonLat;
  readonly #arrow = icon("arrow");
  readonly #text = h("span", { class: "way-text" });
  readonly #stop: () => void;

  constructor(whereabouts: Whereabouts, to: LonLat) {
    this.#whereabouts = whereabouts;
    this.#to = to;
    this.#arrow.classList.add("way-arrow");
    const go = localText(h("a", { class: "secondary", href: geoLink(to) }), "field.navigate");
    this.element = h("div", { class: "way card" }, this.#arrow, this.#text, go);
    this.#stop = whereabouts.follow(() => this.refresh());
    this.refresh();
  }

  close(): void {
    this.#stop();
  }

  refresh(): void {
    const { last, heading_deg, refused } = this.#whereabouts;
    attribute(this.element, "data-known", last !== null);
    if (!last) {
      text(this.#text, t(refused ? "field.no_position" : "field.position_sought"));
      return;
    }
    const bearing = bearing_deg(last.position, this.#to);
    const wind = WINDS[Math.round(bearing / 45) % 8] ?? "n";
    // While one moves it points ahead of the device, else north is up, as on the map.
    this.#arrow.style.rotate = `${Math.round(bearing - (heading_deg ?? 0))}deg`;
    text(this.#text, `${distanceText(distance_m(last.position, this.#to))} · ${t(`field.wind.${wind}`)}`);
  }
}
