/** Fills the gaps that a network of lanes leaves at its junctions: where a lane plainly goes on in another. */
import type { LonLat, Network } from "../contract";
import { Plane } from "./geometry";

const REACH_M = 26;
const LEAST_GAP_M = 0.6;
const CURVE_POINTS = 7;
/** Cosines: the next lane lies ahead, and no lane turns back into its own road. */
const AHEAD = Math.cos((70 * Math.PI) / 180);
const TURN = Math.cos((130 * Math.PI) / 180);

type Vector = [number, number];

interface End {
  at: Vector;
  heading: Vector;
  width_m: number;
}

const dot = ([ax, ay]: Vector, [bx, by]: Vector): number => ax * bx + ay * by;

function unit([fx, fy]: Vector, [tx, ty]: Vector): Vector {
  const norm = Math.hypot(tx - fx, ty - fy) || 1;
  return [(tx - fx) / norm, (ty - fy) / norm];
}

const square = ([x, y]: Vector): [number, number] => [Math.floor(x / REACH_M), Math.floor(y / REACH_M)];

/** Curves from lane ends to the lanes that go on from them, as features with `width_m`. */
export function joins(network: Network): GeoJSON.Feature[] {
  const origin = network.features[0]?.geometry.coordinates[0] as LonLat | undefined;
  if (!origin) return [];
  const plane = new Plane(origin);
  const starts = new Map<string, End[]>();
  const ends: End[] = [];
  for (const { geometry, properties } of network.features) {
    const path = geometry.coordinates.map((point) => plane.metres(point as LonLat));
    const [first, second, last, before] = [path[0], path[1], path.at(-1), path.at(-2)];
    if (!first || !second || !last || !before) continue;
    const start = { at: first, heading: unit(first, second), width_m: properties.width_m };
    const key = square(first).join();
    starts.set(key, [...(starts.get(key) ?? []), start]);
    ends.push({ at: last, heading: unit(before, last), width_m: properties.width_m });
  }
  return ends.flatMap((end) =>
    near(starts, end.at)
      .filter((start) => goesOn(end, start))
      .map((start): GeoJSON.Feature => {
        const coordinates = curve(end, start).map((point) => plane.lonLat(point));
        const properties = { width_m: Math.min(end.width_m, start.width_m) };
        return { type: "Feature", geometry: { type: "LineString", coordinates }, properties };
      }),
  );
}

function near(starts: ReadonlyMap<string, End[]>, at: Vector): End[] {
  const [column, row] = square(at);
  const around = [-1, 0, 1];
  return around.flatMap((x) => around.flatMap((y) => starts.get(`${column + x},${row + y}`) ?? []));
}

function goesOn(end: End, start: End): boolean {
  const gap_m = Math.hypot(start.at[0] - end.at[0], start.at[1] - end.at[1]);
  if (gap_m < LEAST_GAP_M || gap_m > REACH_M) return false;
  const way = unit(end.at, start.at);
  return dot(end.heading, way) > AHEAD && dot(way, start.heading) > AHEAD && dot(end.heading, start.heading) > TURN;
}

/** A cubic that leaves and arrives along both headings. */
function curve(end: End, start: End): Vector[] {
  const reach_m = Math.hypot(start.at[0] - end.at[0], start.at[1] - end.at[1]) * 0.4;
  const out: Vector = [end.at[0] + end.heading[0] * reach_m, end.at[1] + end.heading[1] * reach_m];
  const into: Vector = [start.at[0] - start.heading[0] * reach_m, start.at[1] - start.heading[1] * reach_m];
  return Array.from({ length: CURVE_POINTS }, (_, i) => {
    const t = i / (CURVE_POINTS - 1);
    const weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3] as const;
    const blend = (axis: 0 | 1): number =>
      weights[0] * end.at[axis] + weights[1] * out[axis] + weights[2] * into[axis] + weights[3] * start.at[axis];
    return [blend(0), blend(1)];
  });
}
