/** A small drawing of an intersection, north up, with the movements that one phase lets go. */
import type { IntersectionConfig, LonLat, Phase } from "../contract";
import { Plane, bounds, tail } from "../map/geometry";
import { svg } from "../dom";

const SIZE = 60;
const MARGIN = 3;
/** Approaches are drawn this long, against the larger side of the junction itself. */
const APPROACH_SHARE = 0.45;

export function diagram(config: IntersectionConfig, phase: Phase): SVGSVGElement {
  const drawing = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "diagram", "aria-hidden": "true" });
  const ways = config.movements.filter(({ path }) => path.length > 1);
  const junction = bounds(ways.map(({ path }) => path));
  if (!junction) return drawing;
  const approach_m = Math.max(...new Plane(junction[0]).metres(junction[1])) * APPROACH_SHARE;
  const stubs = config.lanes.filter(({ path }) => path.length > 1).map(({ path }) => tail(path, approach_m));
  const whole = bounds([...ways.map(({ path }) => path), ...stubs]);
  if (!whole) return drawing;
  const points = projector(whole);
  const draw = (path: LonLat[], name: string) => svg("polyline", { class: name, points: points(path) });
  drawing.append(...stubs.map((path) => draw(path, "diagram-lane")), ...ways.map(({ path }) => draw(path, "diagram-way")));
  for (const { index, path } of ways) {
    const shows = phase.indications[index];
    if (shows === "G" || shows === "g") drawing.append(draw(path, `diagram-go ${shows === "g" ? "yields" : ""}`));
  }
  return drawing;
}

/** Fits `whole` into the square, keeping its shape. */
function projector(whole: [LonLat, LonLat]): (path: readonly LonLat[]) => string {
  const plane = new Plane(whole[0]);
  const [width_m, height_m] = plane.metres(whole[1]);
  const scale = (SIZE - 2 * MARGIN) / Math.max(width_m, height_m, 1);
  const left = (SIZE - width_m * scale) / 2;
  const top = (SIZE - height_m * scale) / 2;
  return (path) =>
    path
      .map((point) => plane.metres(point))
      .map(([x, y]) => `${(left + x * scale).toFixed(1)},${(SIZE - top - y * scale).toFixed(1)}`)
      .join(" ");
}
