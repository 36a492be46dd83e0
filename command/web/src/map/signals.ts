/** What the map draws of each signal: a piece of stop line and a way through the junction for each movement. */
import type { IntersectionConfig, LaneProperties, LonLat, Movement, Turn } from "../contract";
import { arrowHead, dashes, Plane, stopBar } from "./geometry";

/** Where a movement stands across its lane, from the left (right-hand traffic). */
const ACROSS: Record<Turn, number> = { u_turn: 0, left: 1, through: 2, right: 3, pedestrian: 4 };
const DEFAULT_WIDTH_M = 3.2;
const BACK_M = 1.6;
const HEAD_M = 2.2;
const DASH_M = 1.1;
const GAP_M = 0.8;

export interface SignalFeatures {
  /** Feature ids in the order of the indications; 0 where the movement is not drawn. */
  ids: number[];
  stops: GeoJSON.Feature[];
  turns: GeoJSON.Feature[];
  /** The turns again, dashed. */
  yields: GeoJSON.Feature[];
  heads: GeoJSON.Feature[];
  junctions: GeoJSON.Feature[];
}

interface Lane {
  path: LonLat[];
  properties: LaneProperties;
}

const line = (coordinates: LonLat[]): GeoJSON.LineString => ({ type: "LineString", coordinates });

function feature(id: number, geometry: GeoJSON.Geometry, properties = {}): GeoJSON.Feature {
  return { type: "Feature", id, geometry, properties };
}

export function signalFeatures(
  config: IntersectionConfig,
  lanes: ReadonlyMap<string, Lane>,
  nextId: () => number,
): SignalFeatures {
  const features: SignalFeatures = { ids: [], stops: [], turns: [], yields: [], heads: [], junctions: [] };
  const sharing = Map.groupBy(config.movements, (movement) => movement.from_lane);
  // A U-turn beside other movements of its lane says nothing more and hides them.
  const alone = ({ turn, from_lane }: Movement) => turn !== "u_turn" || sharing.get(from_lane)?.length === 1;
  for (const movement of config.movements) {
    if (!alone(movement)) {
      features.ids[movement.index] = 0;
      continue;
    }
    const id = nextId();
    features.ids[movement.index] = id;
    const lane = lanes.get(movement.from_lane);
    const width_m = lane?.properties.width_m ?? DEFAULT_WIDTH_M;
    const abreast = (sharing.get(movement.from_lane) ?? []).filter(alone).toSorted(
      (a, b) => ACROSS[a.turn] - ACROSS[b.turn] || a.index - b.index,
    );
    const approach = lane?.path ?? backwards(movement);
    const bar = stopBar(approach, width_m, BACK_M, abreast.indexOf(movement), abreast.length);
    if (bar.length === 2) features.stops.push(feature(id, line(bar)));
    if (movement.path.length < 2) continue;
    features.turns.push(feature(id, line(movement.path)));
    features.junctions.push(feature(id, line(movement.path), { width_m }));
    const pieces = dashes(movement.path, DASH_M, GAP_M);
    features.yields.push(feature(id, { type: "MultiLineString", coordinates: pieces }));
    const ring = arrowHead(movement.path, HEAD_M);
    if (ring.length > 0) features.heads.push(feature(id, { type: "Polygon", coordinates: [ring] }));
  }
  return features;
}

/** Without the lane's own path, the approach as the prolonged start of the movement. */
function backwards({ path }: Movement): LonLat[] {
  const [from, to] = path;
  if (!from || !to) return [];
  const plane = new Plane(from);
  const [x, y] = plane.metres(to);
  return [plane.lonLat([-x, -y]), from];
}
