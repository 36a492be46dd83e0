/** Plane geometry on short stretches of road: metres on a local plane, [lon, lat] outside. */
import type { LonLat } from "../contract";

const METRES_PER_DEGREE = 111_320;

type Metres = [number, number];

/** A local plane around `origin`: good to centimetres over a few kilometres. */
export class Plane {
  readonly #lon: number;
  readonly #lat: number;
  readonly #perLon: number;

  constructor([lon, lat]: LonLat) {
    this.#lon = lon;
    this.#lat = lat;
    this.#perLon = METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
  }

  metres([lon, lat]: LonLat): Metres {
    return [(lon - this.#lon) * this.#perLon, (lat - this.#lat) * METRES_PER_DEGREE];
  }

  lonLat([x, y]: Metres): LonLat {
    return [this.#lon + x / this.#perLon, this.#lat + y / METRES_PER_DEGREE];
  }
}

const distance = ([x1, y1]: Metres, [x2, y2]: Metres): number => Math.hypot(x2 - x1, y2 - y1);

export function length_m(path: readonly LonLat[]): number {
  const [first] = path;
  if (!first) return 0;
  const plane = new Plane(first);
  const points = path.map((point) => plane.metres(point));
  return points.slice(1).reduce((sum, point, i) => sum + distance(points[i] ?? point, point), 0);
}

/** The last `tail_m` metres of `path`, the end being the stop line. */
export function tail(path: readonly LonLat[], tail_m: number): LonLat[] {
  const end = path.at(-1);
  if (!end) return [];
  const plane = new Plane(end);
  const kept: Metres[] = [[0, 0]];
  let left_m = tail_m;
  for (let i = path.length - 2; i >= 0; i--) {
    const from = kept[0] ?? [0, 0];
    const to = plane.metres(path[i] ?? end);
    const step_m = distance(from, to);
    if (step_m >= left_m) {
      const share = step_m === 0 ? 0 : left_m / step_m;
      kept.unshift([from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share]);
      break;
    }
    kept.unshift(to);
    left_m -= step_m;
  }
  return kept.map((point) => plane.lonLat(point));
}

/**
 * A piece of the stop line across the end of a lane: part `index` of `parts`, counted from the lane's left,
 * `back_m` before the end.
 */
export function stopBar(
  path: readonly LonLat[],
  width_m: number,
  back_m: number,
  index: number,
  parts: number,
): LonLat[] {
  const [before, end] = tail(path, 6).slice(-2);
  if (!before || !end) return [];
  const plane = new Plane(end);
  const [dx, dy] = plane.metres(before);
  const norm = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [-dx / norm, -dy / norm]; // along the lane, towards its end
  const [left_x, left_y] = [-uy, ux];
  const usable_m = width_m * 0.86;
  const gap_m = parts > 1 ? usable_m * 0.05 : 0;
  const at = (across_m: number): LonLat =>
    plane.lonLat([-ux * back_m + left_x * across_m, -uy * back_m + left_y * across_m]);
  const step_m = usable_m / parts;
  const from_m = usable_m / 2 - index * step_m;
  return [at(from_m - gap_m), at(from_m - step_m + gap_m)];
}

/** The path cut into dashes of `dash_m` with gaps of `gap_m`, the first and the last at its ends' side. */
export function dashes(path: readonly LonLat[], dash_m: number, gap_m: number): LonLat[][] {
  const total_m = length_m(path);
  const pieces: LonLat[][] = [];
  for (let to_m = 0; to_m < total_m; to_m += dash_m + gap_m) {
    const upTo = tail(path, total_m - to_m);
    pieces.push(head(upTo, Math.min(dash_m, total_m - to_m)));
  }
  return pieces.filter((piece) => piece.length > 1);
}

const head = (path: readonly LonLat[], head_m: number): LonLat[] => tail(path.toReversed(), head_m).toReversed();

/** An arrow head at the end of a path, `size_m` long and wide, as a ring. */
export function arrowHead(path: readonly LonLat[], size_m: number): LonLat[] {
  const [before, end] = tail(path, size_m).slice(-2);
  if (!before || !end) return [];
  const plane = new Plane(end);
  const [dx, dy] = plane.metres(before);
  const norm = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [-dx / norm, -dy / norm]; // along the path, towards its end
  const at = (along_m: number, across_m: number): LonLat =>
    plane.lonLat([ux * along_m - uy * across_m, uy * along_m + ux * across_m]);
  const half_m = size_m / 2;
  const tip = at(half_m, 0);
  return [tip, at(-half_m, half_m), at(-half_m * 0.45, 0), at(-half_m, -half_m), tip];
}

/** The bounds of many paths; none without points. */
export function bounds(paths: Iterable<readonly LonLat[]>): [LonLat, LonLat] | null {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const path of paths) {
    for (const [lon, lat] of path) {
      west = Math.min(west, lon);
      east = Math.max(east, lon);
      south = Math.min(south, lat);
      north = Math.max(north, lat);
    }
  }
  return Number.isFinite(west) ? [[west, south], [east, north]] : null;
}
