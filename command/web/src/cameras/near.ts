/** Which cameras lie near a place, nearest first. */
import type { City } from "../city";
import type { LonLat } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { number, t } from "../i18n";
import { length_m } from "../map/geometry";
import { may } from "../session/session";
import type { Selection } from "../panels/situation";

const REACH_M = 800;
const MOST = 3;

interface Near {
  camera: string;
  distance_m: number;
}

export function nearest(city: City, place: LonLat | null): Near[] {
  if (!place) return [];
  return [...city.cameras.values()]
    .flatMap(({ camera, position }) => (position ? [{ camera, distance_m: length_m([place, position]) }] : []))
    .filter(({ distance_m }) => distance_m <= REACH_M)
    .toSorted((a, b) => a.distance_m - b.distance_m)
    .slice(0, MOST);
}

/** Where an event or alarm lies: its own place, its intersection's or its camera's. */
export function placeOf(city: City, thing: { position: LonLat | null; intersection: string | null; camera: string | null }): LonLat | null {
  const of = thing.intersection ? city.intersections.get(thing.intersection)?.position : null;
  return thing.position ?? of ?? (thing.camera ? city.cameras.get(thing.camera)?.position : null) ?? null;
}

/** Buttons that open the nearest cameras, with the event or alarm as the reason that goes on record. */
export function offerCameras(list: Element, city: City, place: LonLat | null, event: string, select: (selection: Selection) => void): void {
  const found = may("see_video") ? nearest(city, place) : [];
  attribute(list, "hidden", found.length === 0);
  const make = ({ camera }: Near) => {
    const open = () => select({ kind: "camera", id: camera, why: { purpose: "event", event } });
    return h("button", { type: "button", class: "deed near-camera", click: open });
  };
  keyed(list, found, ({ camera }) => camera, make, (button, { camera, distance_m }) => {
    text(button, t("look.near", { name: camera, n: number(distance_m) }));
  });
}
