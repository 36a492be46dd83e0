/** The map's style: our own road network from ground to signals, no tiles, no glyph server, no sprite. */
import type {
  DataDrivenPropertyValueSpecification,
  ExpressionSpecification,
  LayerSpecification,
  StyleSpecification,
} from "maplibre-gl";
import type { Colouring } from "../settings";
import type { Palette } from "./palette";

/**
 * Sources whose features have states hold neither text nor icons nor dash patterns: MapLibre fetches those aside
 * while it builds a tile, and may then pair new features with old data when the style changes meanwhile.
 */
export const SOURCES = [
  "junctions", "lanes", "names", "queues", "joins", "turns", "yields", "stops", "heads", "points",
] as const; // prettier-ignore
export type SourceName = (typeof SOURCES)[number];

/** Text is drawn from the fonts of this computer. */
const FONTS = ["Inter", "Segoe UI", "Roboto", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];

const EARTH_M = 40_075_016.7;

/** Pixels a metre at `zoom` and latitude. */
const scale = (zoom: number, lat: number): number =>
  (512 * 2 ** zoom) / (EARTH_M * Math.cos((lat * Math.PI) / 180));

type Width = DataDrivenPropertyValueSpecification<number>;
type Colour = DataDrivenPropertyValueSpecification<string>;

/** A width in metres that never gets thinner than `least_px` when zoomed out. */
function metres(width_m: ExpressionSpecification | number, lat: number, least_px: number, extra_px = 0): Width {
  const at = (zoom: number): ExpressionSpecification => [
    "+",
    extra_px,
    ["max", least_px, ["*", width_m, scale(zoom, lat)]],
  ];
  return [
    "interpolate",
    ["exponential", 2],
    ["zoom"],
    11, least_px * 0.6 + extra_px * 0.5,
    14, at(14),
    15, at(15),
    16, at(16),
    22, at(22),
  ]; // prettier-ignore
}

/** Colour of a share of 0 (free) to 1 (full or standing). */
function strain(share: ExpressionSpecification, { ramp }: Palette): Colour {
  const stops = ramp.flatMap((colour, i) => [i / (ramp.length - 1), colour]);
  return ["interpolate-lab", ["linear"], share, ...stops] as unknown as Colour;
}

const state = (name: string, otherwise: string | number): ExpressionSpecification => [
  "coalesce",
  ["feature-state", name],
  otherwise,
];
const shows = (...characters: string[]): ExpressionSpecification => [
  "in",
  state("shows", "x"),
  ["literal", characters],
];

const signalColour = (colours: Palette): Colour => [
  "match",
  state("shows", "x"),
  ["G", "g"], colours.green,
  ["y", "o", "u"], colours.yellow,
  ["r", "s"], colours.red,
  colours.unknown,
]; // prettier-ignore

const fade = (from: number, to: number, most: number | ExpressionSpecification): Width =>
  ["interpolate", ["linear"], ["zoom"], from, 0, to, most] as Width;

export function laneColour(colouring: Colouring, colours: Palette): Colour {
  const share: ExpressionSpecification = ["max", 0, ["min", 1, state(colouring, 0)]];
  return strain(share, colours);
}

/** In the colours of queues the lane is tinted and its queue drawn over it; speeds tint the whole lane. */
export function laneOpacity(colouring: Colouring): Width {
  const known: ExpressionSpecification = [">=", state(colouring, -1), 0];
  const near = colouring === "queue" ? 0.16 : 0.95;
  return [
    "interpolate", ["linear"], ["zoom"],
    13, ["case", known, 0.95, 0],
    16, ["case", known, near, 0],
  ] as Width; // prettier-ignore
}

/** Below this the intersections tell what their lanes do. */
export const LANES_ZOOM = 12.5;

export const loadOpacity = (colouring: Colouring): Width => ["case", [">=", state(colouring, -1), 0], 1, 0] as Width;

export function layers(colours: Palette, colouring: Colouring, lat: number): LayerSpecification[] {
  const width: ExpressionSpecification = ["get", "width_m"];
  const round = { "line-cap": "round", "line-join": "round" } as const;
  const butt = { "line-cap": "butt", "line-join": "round" } as const;
  const green = shows("G", "g", "y");
  return [
    { id: "ground", type: "background", paint: { "background-color": colours.ground } },
    {
      id: "junction-casing", type: "line", source: "junctions", layout: round,
      paint: { "line-color": colours.casing, "line-width": metres(width, lat, 1.2, 3) },
    },
    {
      id: "join-casing", type: "line", source: "joins", layout: round,
      paint: { "line-color": colours.casing, "line-width": metres(width, lat, 1.2, 3) },
    },
    {
      id: "road-casing", type: "line", source: "lanes", layout: round,
      paint: { "line-color": colours.casing, "line-width": metres(width, lat, 1.2, 3) },
    },
    {
      id: "join", type: "line", source: "joins", layout: round,
      paint: { "line-color": colours.junction, "line-width": metres(width, lat, 1.8) },
    },
    {
      id: "junction", type: "line", source: "junctions", layout: round,
      paint: { "line-color": colours.junction, "line-width": metres(width, lat, 1.4) },
    },
    {
      id: "road", type: "line", source: "lanes", layout: round,
      paint: { "line-color": colours.road, "line-width": metres(["*", width, 0.93], lat, 1.8) },
    },
    {
      id: "lane", type: "line", source: "lanes", minzoom: LANES_ZOOM, layout: butt, filter: ["!=", ["get", "intersection"], null],
      paint: {
        "line-color": laneColour(colouring, colours),
        "line-opacity": laneOpacity(colouring),
        "line-width": metres(["*", width, 0.72], lat, 2.6),
      },
    },
    {
      id: "queue", type: "line", source: "queues", minzoom: LANES_ZOOM, layout: butt,
      paint: {
        "line-color": strain(["get", "share"], colours),
        "line-opacity": fade(14, 15, 1),
        "line-width": metres(["*", width, 0.72], lat, 3),
      },
    },
    {
      id: "turn-green", type: "line", source: "turns", layout: round, minzoom: 15,
      paint: {
        "line-color": signalColour(colours),
        "line-opacity": fade(15.2, 16.2, ["case", shows("G", "y"), 0.85, 0]),
        "line-width": metres(0.62, lat, 1.2),
      },
    },
    {
      id: "turn-yielding", type: "line", source: "yields", layout: butt, minzoom: 15,
      paint: {
        "line-color": signalColour(colours),
        "line-opacity": fade(15.2, 16.2, ["case", shows("g"), 0.85, 0]),
        "line-width": metres(0.5, lat, 1.1),
      },
    },
    {
      id: "turn-head", type: "fill", source: "heads", minzoom: 16,
      paint: { "fill-color": signalColour(colours), "fill-opacity": ["case", green, 0.95, 0] },
    },
    {
      id: "stop-edge", type: "line", source: "stops", minzoom: 14.2, layout: butt,
      paint: { "line-color": colours.halo, "line-width": metres(2.1, lat, 3, 2) },
    },
    {
      id: "stop", type: "line", source: "stops", minzoom: 14.2, layout: butt,
      paint: { "line-color": signalColour(colours), "line-width": metres(2.1, lat, 3) },
    },
    {
      id: "street-name", type: "symbol", source: "names", minzoom: 15.5,
      layout: {
        "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONTS, "text-size": 12,
        "symbol-spacing": 420, "text-max-angle": 30, "text-letter-spacing": 0.02,
      },
      paint: { "text-color": colours.label, "text-halo-color": colours.halo, "text-halo-width": 1.6 },
    },
    {
      id: "load", type: "circle", source: "points", maxzoom: LANES_ZOOM,
      paint: {
        "circle-opacity": 0,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 4, 12.5, 9],
        "circle-stroke-color": laneColour(colouring, colours),
        "circle-stroke-opacity": loadOpacity(colouring),
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 9, 2, 12.5, 4],
      },
    },
    {
      id: "point", type: "circle", source: "points", maxzoom: 24,
      paint: {
        "circle-color": signalColour(colours), "circle-stroke-color": colours.halo, "circle-stroke-width": 1.5,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 2.5, 13, 5],
        "circle-opacity": ["interpolate", ["linear"], ["zoom"], 12.8, 1, 13.2, 0],
        "circle-stroke-opacity": ["interpolate", ["linear"], ["zoom"], 12.8, 1, 13.2, 0],
      },
    },
  ]; // prettier-ignore
}

export function style(colours: Palette, colouring: Colouring, lat: number): StyleSpecification {
  const empty = { type: "FeatureCollection", features: [] } as const;
  const source = (name: SourceName) => ({
    type: "geojson" as const,
    data: { ...empty, features: [] },
    tolerance: 0.1,
    ...(name === "lanes" || name === "queues" ? { promoteId: "lane" } : {}),
  });
  return {
    version: 8,
    sources: Object.fromEntries(SOURCES.map((name) => [name, source(name)])),
    layers: layers(colours, colouring, lat),
  };
}
