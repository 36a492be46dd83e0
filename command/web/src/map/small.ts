/** A small map of streets and a few marks; loaded only where somebody asks for a map. */
import { Map as MapLibre, Marker, setWorkerUrl } from "maplibre-gl";
import type { ExpressionSpecification, GeoJSONSource, StyleSpecification } from "maplibre-gl";
import workerUrl from "file-url:maplibre-gl/dist/maplibre-gl-worker.mjs";
import styleUrl from "file-url:maplibre-gl/dist/maplibre-gl.css";
import type { LonLat } from "../contract";
import { attribute, h } from "../dom";
import { onSettings, reducedMotion } from "../settings";
import { palette } from "./palette";

export interface StreetMap {
  center: LonLat | null;
  streets: { name: string; path: LonLat[] }[];
}

export interface Mark {
  id: string;
  position: LonLat;
  label: string;
  /** For the style sheet: kind of mark, and how urgent. */
  kind: string;
  tone?: string;
  text?: string;
}

const FONTS = ["Inter", "Segoe UI", "Roboto", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];
const NEAR_ZOOM = 16.5;

/** MapLibre's own style sheet, once. */
function styled(): Promise<void> {
  if (document.querySelector(`link[href="${styleUrl}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error(styleUrl));
    const link = h("link", { rel: "stylesheet", href: styleUrl, load: () => resolve(), error: failed });
    document.head.prepend(link); // our own rules come after it
  });
}

export async function smallMap(container: HTMLElement, center: LonLat, zoom = NEAR_ZOOM): Promise<SmallMap> {
  await styled();
  setWorkerUrl(new URL(workerUrl, window.location.href).href);
  const made = new SmallMap(container, center, zoom);
  await made.loaded;
  return made;
}

export class SmallMap {
  readonly loaded: Promise<void>;
  readonly #map: MapLibre;
  readonly #marks = new Map<string, { marker: Marker; element: HTMLElement }>();
  #onMark: (id: string) => void = () => undefined;
  #onPick: ((position: LonLat) => void) | null = null;

  constructor(container: HTMLElement, center: LonLat, zoom: number) {
    this.#map = new MapLibre({
      container, center, zoom,
      style: style(), attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false,
      maxZoom: 20, minZoom: 9, fadeDuration: 0,
    }); // prettier-ignore
    this.#map.touchZoomRotate.disableRotation();
    this.#map.on("click", ({ lngLat }) => this.#onPick?.([lngLat.lng, lngLat.lat]));
    this.loaded = new Promise((resolve) => this.#map.once("load", () => resolve()));
    onSettings((_, changed) => {
      if (changed !== "theme") return;
      for (const [layer, property, colour] of colours()) this.#map.setPaintProperty(layer, property, colour);
    });
  }

  get center(): LonLat {
    const { lng, lat } = this.#map.getCenter();
    return [lng, lat];
  }

  onMark(listener: (id: string) => void): void {
    this.#onMark = listener;
  }

  /** Called with each place that is tapped. */
  onPick(listener: (position: LonLat) => void): void {
    this.#onPick = listener;
  }

  onMoved(listener: () => void): void {
    this.#map.on("moveend", listener);
  }

  streets({ streets }: StreetMap): void {
    const features = streets.map(({ name, path }) => ({
      type: "Feature" as const, properties: { name }, geometry: { type: "LineString" as const, coordinates: path },
    })); // prettier-ignore
    void this.#map.getSource<GeoJSONSource>("streets")?.setData({ type: "FeatureCollection", features });
    this.#map.once("idle", () => attribute(this.#map.getContainer(), "data-drawn", features.length));
  }

  /** Shows exactly these marks. */
  marks(marks: readonly Mark[]): void {
    const wanted = new Set(marks.map(({ id }) => id));
    for (const [id, { marker }] of this.#marks) {
      if (wanted.has(id)) continue;
      marker.remove();
      this.#marks.delete(id);
    }
    for (const mark of marks) this.#mark(mark);
  }

  #mark(mark: Mark): void {
    let known = this.#marks.get(mark.id);
    if (!known) {
      // Only what leads somewhere is a button.
      const isButton = mark.kind === "task";
      const element = isButton
        ? h("button", { type: "button", click: (event: Event) => this.#pressed(event, mark.id) })
        : h("div", { role: "img" });
      const marker = new Marker({ element }).setLngLat(mark.position).addTo(this.#map);
      known = { marker, element };
      this.#marks.set(mark.id, known);
    }
    known.marker.setLngLat(mark.position);
    known.element.classList.add("mark");
    attribute(known.element, "data-kind", mark.kind);
    attribute(known.element, "data-tone", mark.tone ?? null);
    attribute(known.element, "aria-label", mark.label);
    attribute(known.element, "title", mark.label);
    known.element.textContent = mark.text ?? "";
  }

  #pressed(event: Event, id: string): void {
    event.stopPropagation();
    this.#onMark(id);
  }

  show(position: LonLat, zoom = this.#map.getZoom()): void {
    this.#map.easeTo({ center: position, zoom, duration: reducedMotion.matches ? 0 : 400 });
  }

  fit(positions: readonly LonLat[]): void {
    const [first] = positions;
    if (!first) return;
    const lons = positions.map(([lon]) => lon);
    const lats = positions.map(([, lat]) => lat);
    const corners: [LonLat, LonLat] = [
      [Math.min(...lons), Math.min(...lats)],
      [Math.max(...lons), Math.max(...lats)],
    ];
    this.#map.fitBounds(corners, { padding: 48, maxZoom: NEAR_ZOOM, animate: false });
  }

  resize(): void {
    this.#map.resize();
  }

  remove(): void {
    this.#map.remove();
  }
}

type Paint = "background-color" | "line-color" | "text-color" | "text-halo-color";

function colours(): [layer: string, property: Paint, colour: string][] {
  const { ground, casing, road, label, halo } = palette();
  return [
    ["ground", "background-color", ground],
    ["casing", "line-color", casing],
    ["street", "line-color", road],
    ["name", "text-color", label],
    ["name", "text-halo-color", halo],
  ];
}

function style(): StyleSpecification {
  const { ground, casing, road, label, halo } = palette();
  const round = { "line-cap": "round", "line-join": "round" } as const;
  const width = (extra_px: number): ExpressionSpecification =>
    ["interpolate", ["exponential", 2], ["zoom"], 12, 1 + extra_px / 2, 15, 4 + extra_px, 18, 26 + extra_px];
  return {
    version: 8,
    sources: { streets: { type: "geojson", data: { type: "FeatureCollection", features: [] } } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": ground } },
      { id: "casing", type: "line", source: "streets", layout: round, paint: { "line-color": casing, "line-width": width(2.5) } },
      { id: "street", type: "line", source: "streets", layout: round, paint: { "line-color": road, "line-width": width(0) } },
      {
        id: "name", type: "symbol", source: "streets", minzoom: 14.5,
        layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONTS, "text-size": 12 },
        paint: { "text-color": label, "text-halo-color": halo, "text-halo-width": 1.6 },
      },
    ],
  }; // prettier-ignore
}
