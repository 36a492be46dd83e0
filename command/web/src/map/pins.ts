/** Pins over the map: real buttons for intersections and cameras, placed with the map, only where in view. */
import type { Map as MapLibre } from "maplibre-gl";
import { attribute, keyed } from "../dom";
import type { LonLat } from "../contract";

export interface Pin {
  key: string;
  position: LonLat;
}

/** More pins than this say nothing; the map's own points stand in when zoomed out. */
const MOST_PINS = 160;
const LEAST_ZOOM = 13;
const NEAR_ZOOM = 16;
const MARGIN_PX = 60;

export class Pins<T extends Pin> {
  readonly #map: MapLibre;
  readonly #layer: HTMLElement;
  readonly #make: (pin: T) => HTMLElement;
  readonly #update: (element: HTMLElement, pin: T) => void;
  readonly #leastZoom: number;
  #pins: T[] = [];
  #shown: { pin: T; element: HTMLElement }[] = [];

  constructor(
    map: MapLibre,
    layer: HTMLElement,
    make: (pin: T) => HTMLElement,
    update: (element: HTMLElement, pin: T) => void,
    leastZoom = LEAST_ZOOM,
  ) {
    this.#map = map;
    this.#layer = layer;
    this.#make = make;
    this.#update = update;
    this.#leastZoom = leastZoom;
    map.on("move", () => this.#place());
    map.on("moveend", () => this.show(this.#pins));
    map.on("resize", () => this.show(this.#pins));
  }

  show(pins: T[]): void {
    attribute(this.#layer, "data-near", this.#map.getZoom() >= NEAR_ZOOM);
    this.#pins = pins;
    const inView = this.#map.getZoom() < this.#leastZoom ? [] : pins.filter((pin) => this.#isInView(pin));
    const shown: { pin: T; element: HTMLElement }[] = [];
    keyed(
      this.#layer,
      inView.slice(0, MOST_PINS),
      (pin) => pin.key,
      this.#make,
      (element, pin) => {
        this.#update(element, pin);
        shown.push({ pin, element });
      },
    );
    this.#shown = shown;
    this.#place();
  }

  /** Writes the present state into the pins in view. */
  refresh(): void {
    for (const { pin, element } of this.#shown) this.#update(element, pin);
  }

  #isInView({ position }: T): boolean {
    const { x, y } = this.#map.project(position);
    const { clientWidth, clientHeight } = this.#map.getContainer();
    return x > -MARGIN_PX && y > -MARGIN_PX && x < clientWidth + MARGIN_PX && y < clientHeight + MARGIN_PX;
  }

  #place(): void {
    for (const { pin, element } of this.#shown) {
      const { x, y } = this.#map.project(pin.position);
      element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    }
  }
}
