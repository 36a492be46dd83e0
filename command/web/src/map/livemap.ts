/** The live map: draws the city's roads, lanes and signals, and applies each frame's changes in one go. */
import { Map as MapLibre, setWorkerUrl, type GeoJSONSource, type LngLatBoundsLike } from "maplibre-gl";
import workerUrl from "file-url:maplibre-gl/dist/maplibre-gl-worker.mjs";
import type { Changes, City } from "../city";
import type { Interval, LaneNow, LaneProperties, LonLat, Network } from "../contract";
import type { MapLatency } from "../latency";
import { isShown, LAYERS, onLayers, type Layer } from "../layers";
import { onSettings, reducedMotion, settings } from "../settings";
import { bounds, length_m, tail } from "./geometry";
import { joins } from "./joins";
import { palette } from "./palette";
import { signalFeatures } from "./signals";
import { laneColour, laneOpacity, LANES_ZOOM, layers, loadOpacity, style, type SourceName } from "./style";

/** Which parts of the style each layer that people choose is made of; pins are elements over the map. */
const PARTS: Record<Layer, readonly string[]> = {
  lanes: ["lane", "queue", "load"],
  signals: ["turn-green", "turn-yielding", "turn-head", "stop-edge", "stop", "point"],
  names: ["street-name"],
  cameras: [],
  silent: [],
};
const SHOWN = ["stops", "turns", "yields", "heads"] as const;
/** A queue shorter than this is one car at the line; drawn longer it would lie. */
const LEAST_QUEUE_M = 1;

/** A whole intersection in one colour, by what it is doing. */
const POINT: Record<Interval, string> = { green: "G", yellow: "y", all_red: "r", flash: "o" };

interface Lane {
  path: LonLat[];
  properties: LaneProperties;
  length_m: number;
  middle: LonLat;
}

interface DrawnSignal {
  /** By movement: the feature that shows it. */
  ids: number[];
  shown: string;
}

const UPDATE_TO_IDLE = "citybrain:update-to-idle";

const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

export class LiveMap {
  readonly map: MapLibre;
  readonly #city: City;
  readonly #latency: MapLatency;
  readonly #lanes = new Map<string, Lane>();
  readonly #drawn = new Map<string, DrawnSignal>();
  readonly #queues = new Map<string, number>();
  readonly #points = new Map<string, number>();
  /** Lanes that changed since they were drawn. */
  readonly #stale = new Set<string>();
  #updated_ms: number | null = null;
  #nextId = 1;
  #ready = false;
  #framed = false;
  #unpainted_ms: number[] = [];

  constructor(container: HTMLElement, city: City, latency: MapLatency) {
    setWorkerUrl(new URL(workerUrl, window.location.href).href);
    this.#city = city;
    this.#latency = latency;
    this.map = new MapLibre({
      container,
      style: style(palette(), settings.colouring, 0),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 21,
      minZoom: 8,
      fadeDuration: 0,
      zoom: 13,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.on("load", () => this.#load());
    this.map.on("moveend", () => this.#drawSignalsInView());
    this.map.on("moveend", () => this.#drawStale());
    this.map.on("idle", () => this.#measure());
    this.map.on("render", () => this.#painted());
    city.onFrame((changes) => this.#apply(changes));
    onLayers(() => this.#showLayers());
    onSettings((_, changed) => {
      if (changed === "theme") this.#restyle();
      if (changed === "colouring") this.#recolour();
    });
  }

  fit(): void {
    const whole = this.#city.site?.bounds ?? bounds([...this.#lanes.values()].map(({ path }) => path));
    const left = this.map.getContainer().clientWidth > 900 ? 16 * rem() : 3 * rem();
    const padding = { top: 3 * rem(), bottom: 2 * rem(), right: 2 * rem(), left };
    if (whole) this.map.fitBounds(whole as LngLatBoundsLike, { padding, animate: this.#moves() });
  }

  /** Keeps the middle of the map out from under a panel of so many pixels. */
  leaveRoom(room: { right: number; bottom: number }): void {
    this.map.setPadding({ top: 0, left: 0, ...room });
  }

  show(position: LonLat, zoom: number): void {
    const camera = { center: position, zoom: Math.max(zoom, this.map.getZoom()) };
    this.map.easeTo({ ...camera, duration: this.#moves() ? 700 : 0 });
  }

  #moves(): boolean {
    return this.#framed && !reducedMotion.matches;
  }

  /** Where the map stands. */
  standing(): { center: LonLat; zoom: number } {
    const { lng, lat } = this.map.getCenter();
    return { center: [lng, lat], zoom: this.map.getZoom() };
  }

  goTo({ center, zoom }: { center: LonLat; zoom: number }): void {
    this.map.easeTo({ center, zoom, duration: this.#moves() ? 700 : 0 });
  }

  #showLayers(): void {
    if (!this.#ready) return;
    for (const layer of LAYERS) {
      const visibility = isShown(layer) ? "visible" : "none";
      for (const part of PARTS[layer]) this.map.setLayoutProperty(part, "visibility", visibility);
    }
  }

  #load(): void {
    this.#ready = true;
    this.#showLayers();
    this.#drawNetwork();
  }

  #source(name: SourceName): GeoJSONSource {
    const source = this.map.getSource<GeoJSONSource>(name);
    if (!source) throw new Error(`the map's style has no source ${name}`);
    return source;
  }

  #apply(changes: Changes): void {
    if (!this.#ready) return;
    if (changes.network) this.#drawNetwork();
    if (changes.intersections) {
      this.#drawPoints();
      this.#drawSignalsInView();
    }
    for (const id of changes.signals) this.#showSignal(id);
    if (changes.lanes.size > 0) {
      this.#updated_ms ??= performance.now();
      this.#showLanes(changes.lanes);
    }
    if (changes.captured_ms.length > 0) {
      this.#unpainted_ms.push(...changes.captured_ms);
      this.map.triggerRepaint();
    }
  }

  /** For the browser's own tools and `bench.command`: how long the map took to be idle after an update. */
  #measure(): void {
    if (this.#updated_ms === null) return;
    performance.measure(UPDATE_TO_IDLE, { start: this.#updated_ms });
    performance.clearMeasures(UPDATE_TO_IDLE); // observers have it; a page that stays open for weeks keeps none
    this.#updated_ms = null;
  }

  #painted(): void {
    if (this.#unpainted_ms.length === 0) return;
    this.#latency.painted(this.#unpainted_ms);
    this.#unpainted_ms = [];
  }

  #drawNetwork(): void {
    const { network } = this.#city;
    if (!network || network.features.length === 0) return;
    this.#lanes.clear();
    for (const { geometry, properties } of network.features) {
      const path = geometry.coordinates as LonLat[];
      const middle = path[path.length >> 1] ?? [0, 0];
      this.#lanes.set(properties.lane, { path, properties, length_m: length_m(path), middle });
    }
    void this.#source("lanes").setData(network);
    void this.#source("names").setData({ type: "FeatureCollection", features: named(network) });
    void this.#source("joins").setData({ type: "FeatureCollection", features: joins(network) });
    this.#restyle(); // widths in metres depend on the latitude
    this.#drawPoints();
    this.#showLanes(this.#city.lanes.keys());
    if (!this.#framed) {
      this.fit();
      this.#framed = true;
    }
    this.#drawSignalsInView();
  }

  #drawPoints(): void {
    const items = [...this.#city.intersections.values()];
    items.forEach(({ intersection }, i) => this.#points.set(intersection, i + 1));
    const features = items.map((item, i) => ({
      type: "Feature" as const,
      id: i + 1,
      geometry: { type: "Point" as const, coordinates: item.position },
      properties: {},
    }));
    void this.#source("points").setData({ type: "FeatureCollection", features });
    for (const { intersection } of items) this.#showPoint(intersection);
  }

  #showPoint(intersection: string): void {
    const id = this.#points.get(intersection);
    const signal = this.#city.signals.get(intersection);
    const shows = this.#city.isUncertain(signal) || !signal ? "x" : POINT[signal.interval];
    if (id !== undefined) this.map.setFeatureState({ source: "points", id }, { shows });
  }

  /** Stop lines and turns are fetched and drawn when they come into view. */
  #drawSignalsInView(): void {
    if (!this.#ready || this.#lanes.size === 0 || this.map.getZoom() < 14) return;
    const view = this.map.getBounds();
    for (const { intersection, position } of this.#city.intersections.values()) {
      if (this.#drawn.has(intersection) || !view.contains(position)) continue;
      this.#drawn.set(intersection, { ids: [], shown: "" });
      this.#drawSignal(intersection).catch(() => this.#drawn.delete(intersection));
    }
  }

  async #drawSignal(intersection: string): Promise<void> {
    const config = await this.#city.config(intersection);
    const features = signalFeatures(config, this.#lanes, () => this.#nextId++);
    this.#drawn.set(intersection, { ids: features.ids, shown: "" });
    await Promise.all(
      (["junctions", "turns", "yields", "stops", "heads"] as const).map((name) =>
        this.#source(name).updateData({ add: features[name] }),
      ),
    );
    this.#showSignal(intersection);
  }

  /** Brings the features of one signal to what it shows now; an uncertain one shows nothing certain. */
  #showSignal(intersection: string): void {
    this.#showPoint(intersection);
    const drawn = this.#drawn.get(intersection);
    const signal = this.#city.signals.get(intersection);
    if (!drawn) return;
    const uncertain = !signal || this.#city.isUncertain(signal);
    const shown = uncertain ? "x".repeat(drawn.ids.length) : signal.indications;
    for (const [index, id] of drawn.ids.entries()) {
      const shows = shown[index] ?? "x";
      if (!id || drawn.shown[index] === shows) continue;
      for (const source of SHOWN) this.map.setFeatureState({ source, id }, { shows });
    }
    drawn.shown = shown;
  }

  /** Signals nobody has heard of for a while become uncertain without any message. */
  refreshUncertain(): void {
    if (!this.#ready) return;
    for (const intersection of this.#city.intersections.keys()) this.#showSignal(intersection);
  }

  /** Notes lanes that changed; drawn are those in view, the others when they come into it. */
  #showLanes(changed: Iterable<string>): void {
    for (const id of changed) if (this.#lanes.has(id)) this.#stale.add(id);
    this.#drawStale();
  }

  #drawStale(): void {
    if (!this.#ready || this.#stale.size === 0) return;
    if (this.map.getZoom() < LANES_ZOOM) return this.#showLoads();
    const view = this.map.getBounds();
    const [east, north] = [view.getEast() - view.getWest(), view.getNorth() - view.getSouth()];
    const add: GeoJSON.Feature[] = [];
    const remove: string[] = [];
    for (const id of this.#stale) {
      const lane = this.#lanes.get(id);
      if (!lane) continue;
      const [lon, lat] = lane.middle;
      const isNear =
        lon > view.getWest() - east / 4 && lon < view.getEast() + east / 4 && lat > view.getSouth() - north / 4 && lat < view.getNorth() + north / 4;
      if (!isNear) continue;
      this.#stale.delete(id);
      this.#drawLane(id, lane, add, remove);
    }
    if (add.length + remove.length > 0) void this.#source("queues").updateData({ add, remove });
  }

  #drawLane(id: string, lane: Lane, add: GeoJSON.Feature[], remove: string[]): void {
    const now = this.#city.lanes.get(id);
    const queue = now ? Math.min(1, now.queue_m / Math.max(1, lane.length_m)) : -1;
    this.map.setFeatureState({ source: "lanes", id }, { queue, speed: now ? slowness(now, lane) : -1 });
    const drawn_m = this.#queues.get(id) ?? 0;
    const queue_m = now && settings.colouring === "queue" && now.queue_m >= LEAST_QUEUE_M ? now.queue_m : 0;
    if (drawn_m === queue_m) return;
    if (queue_m === 0) {
      remove.push(id);
      this.#queues.delete(id);
      return;
    }
    this.#queues.set(id, queue_m);
    const geometry = { type: "LineString" as const, coordinates: tail(lane.path, queue_m) };
    const properties = { lane: id, width_m: lane.properties.width_m, share: queue };
    add.push({ type: "Feature", geometry, properties });
  }

  /** Zoomed out, thousands of lanes say nothing: each intersection tells the mean of its own. */
  #showLoads(): void {
    const sums = new Map<string, { queue: number; speed: number; lanes: number; moving: number }>();
    for (const [id, now] of this.#city.lanes) {
      const lane = this.#lanes.get(id);
      if (!lane) continue;
      const sum = sums.get(now.intersection) ?? { queue: 0, speed: 0, lanes: 0, moving: 0 };
      sum.queue += Math.min(1, now.queue_m / Math.max(1, lane.length_m));
      const slow = slowness(now, lane);
      if (slow >= 0) {
        sum.speed += slow;
        sum.moving++;
      }
      sum.lanes++;
      sums.set(now.intersection, sum);
    }
    for (const [intersection, id] of this.#points) {
      const sum = sums.get(intersection);
      const load = { queue: sum ? sum.queue / sum.lanes : -1, speed: sum && sum.moving > 0 ? sum.speed / sum.moving : -1 };
      this.map.setFeatureState({ source: "points", id }, load);
    }
  }

  #recolour(): void {
    if (!this.#ready) return;
    this.map.setPaintProperty("lane", "line-color", laneColour(settings.colouring, palette()));
    this.map.setPaintProperty("lane", "line-opacity", laneOpacity(settings.colouring));
    this.map.setPaintProperty("load", "circle-stroke-color", laneColour(settings.colouring, palette()));
    this.map.setPaintProperty("load", "circle-stroke-opacity", loadOpacity(settings.colouring));
    this.#showLanes(this.#city.lanes.keys());
  }

  /** Only paint changes, so that sources and feature states stay as they are. */
  #restyle(): void {
    if (!this.#ready) return;
    const lat = this.#city.site?.center?.[1] ?? 0;
    for (const layer of layers(palette(), settings.colouring, lat)) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) {
        this.map.setPaintProperty(layer.id, name as "line-color", value as string);
      }
    }
  }
}

const named = (network: Network): GeoJSON.Feature[] =>
  network.features.filter(({ properties }) => properties.name !== "") as GeoJSON.Feature[];

/** 0 at the speed limit, 1 standing; -1 without vehicles. */
function slowness(now: LaneNow, { properties }: Lane): number {
  if (now.mean_speed_mps === null) return -1;
  const limit_mps = now.speed_limit_mps ?? properties.speed_limit_mps;
  return 1 - Math.min(1, now.mean_speed_mps / Math.max(1, limit_mps));
}
