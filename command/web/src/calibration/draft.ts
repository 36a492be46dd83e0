/** What is being drawn over a camera's picture; the same form as the file that cameras are measured by. */
import type { LonLat } from "../contract";
import { Plane } from "../map/geometry";

export type Spot = [number, number];
export const MODES = ["points", "lanes", "lines", "zones"] as const;
export type Mode = (typeof MODES)[number];

interface Pair {
  image: Spot;
  ground: Spot;
}
interface Lane {
  lane: string;
  path: Spot[];
  width_m?: number;
  may_stop?: boolean;
  map_lane?: string;
}
interface Line {
  line: string;
  a: Spot;
  b: Spot;
}
interface Zone {
  zone: string;
  corners: Spot[];
  kind?: string;
}
/** As the API takes and gives it. */
export interface Calibration {
  origin?: LonLat | null;
  points?: Pair[];
  rectangle?: object | null;
  lanes?: Lane[];
  lines?: Line[];
  zones?: Zone[];
}
export interface Fit {
  error: number | null;
  error_m: number | null;
  points: { x: number; y: number; error_m: number }[];
}

/** One lane, line or zone; `rest` is what this page does not edit. */
export interface Shape {
  name: string;
  path: Spot[];
  rest: object;
}
/** A pair may be half given. */
export interface DraftPair {
  image: Spot | null;
  ground: Spot | null;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const spot = ([x, y]: Spot, digits: number): Spot => [round(x, digits), round(y, digits)];

export class Draft {
  origin: LonLat | null = null;
  pairs: DraftPair[] = [];
  shapes: Record<Exclude<Mode, "points">, Shape[]> = { lanes: [], lines: [], zones: [] };
  #rectangle: object | null = null;

  static of(known: Calibration): Draft {
    const draft = new Draft();
    draft.origin = known.origin ?? null;
    draft.#rectangle = known.rectangle ?? null;
    draft.pairs = (known.points ?? []).map(({ image, ground }) => ({ image, ground }));
    draft.shapes.lanes = (known.lanes ?? []).map(({ lane, path, ...rest }) => ({ name: lane, path, rest }));
    draft.shapes.lines = (known.lines ?? []).map(({ line, a, b, ...rest }) => ({ name: line, path: [a, b], rest }));
    draft.shapes.zones = (known.zones ?? []).map(({ zone, corners, ...rest }) => ({ name: zone, path: corners, rest }));
    return draft;
  }

  /** What is complete of it. */
  calibration(): Calibration {
    const [lanes, lines, zones] = (["lanes", "lines", "zones"] as const).map((mode) => this.shapes[mode]) as [Shape[], Shape[], Shape[]];
    const whole = this.pairs.filter((pair): pair is Pair => pair.image !== null && pair.ground !== null);
    return {
      origin: this.origin,
      rectangle: this.#rectangle,
      points: whole.map(({ image, ground }) => ({ image: spot(image, 4), ground: spot(ground, 3) })),
      lanes: lanes.filter(({ path }) => path.length > 1).map(({ name, path, rest }) => ({ ...rest, lane: name, path: path.map((one) => spot(one, 4)) })),
      lines: lines.filter(({ path }) => path.length > 1).map(({ name, path, rest }) => ({ ...rest, line: name, a: spot(path[0] as Spot, 4), b: spot(path[1] as Spot, 4) })),
      zones: zones.filter(({ path }) => path.length > 2).map(({ name, path, rest }) => ({ ...rest, zone: name, corners: path.map((one) => spot(one, 4)) })),
    };
  }

  /** A place in the picture: of the pair that still lacks one, or of a new one. */
  seen(image: Spot): void {
    const open = this.pairs.find((pair) => pair.image === null);
    if (open) open.image = image;
    else this.pairs.push({ image, ground: null });
  }

  /** A place on the map, likewise; the first one is the origin where there is none. */
  placed(position: LonLat): void {
    this.origin ??= position;
    const ground = new Plane(this.origin).metres(position);
    const open = this.pairs.find((pair) => pair.ground === null);
    if (open) open.ground = ground;
    else this.pairs.push({ image: null, ground });
  }

  /** Where the pairs are on the map. */
  places(): { key: string; position: LonLat }[] {
    if (!this.origin) return [];
    const plane = new Plane(this.origin);
    return this.pairs.flatMap(({ ground }, index) => (ground ? [{ key: String(index + 1), position: plane.lonLat(ground) }] : []));
  }

  add(mode: Exclude<Mode, "points">): Shape {
    const names = new Set(this.shapes[mode].map(({ name }) => name));
    let number = names.size + 1;
    while (names.has(`${mode.slice(0, -1)}${number}`)) number += 1;
    const shape = { name: `${mode.slice(0, -1)}${number}`, path: [], rest: {} };
    this.shapes[mode].push(shape);
    return shape;
  }
}

/** `0.1,0.2 0.3,0.4` as places; null where it is not that. */
export function spots(written: string): Spot[] | null {
  const found = written.trim().split(/[\s;]+/u).filter(Boolean).map((one) => one.split(",").map(Number));
  return found.every((one) => one.length === 2 && one.every(Number.isFinite)) ? (found as Spot[]) : null;
}

export const written = (path: readonly Spot[]): string => path.map((one) => spot(one, 3).join(",")).join(" ");
