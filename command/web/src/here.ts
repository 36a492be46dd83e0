/** Where this device is, and how far and which way something lies from there. */
import type { LonLat } from "./contract";

export interface Here {
  at: string;
  position: LonLat;
  accuracy_m: number | null;
}

const METRES_PER_DEGREE = 111_320;
const PATIENCE_MS = 15_000;
/** A position of the last seconds is as good as a new one, and is there at once. */
const YOUNG_MS = 10_000;

export function hereOf({ coords, timestamp }: GeolocationPosition): Here {
  // Some devices count from their start instead of 1970; such a time is worth less than our own.
  const at = Math.abs(timestamp - Date.now()) < 86_400_000 ? timestamp : Date.now();
  return {
    at: new Date(at).toISOString(),
    position: [round(coords.longitude), round(coords.latitude)],
    accuracy_m: Number.isFinite(coords.accuracy) ? Math.min(100_000, Math.round(coords.accuracy)) : null,
  };
}

/** About 10 cm. */
const round = (degrees: number): number => Math.round(degrees * 1e6) / 1e6;

/** Asks the device once; rejects where it does not know or may not tell. */
export function askHere(): Promise<Here> {
  return new Promise((resolve, reject) => {
    if (!("geolocation" in navigator)) return reject(new Error("no geolocation"));
    const options = { enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: YOUNG_MS };
    navigator.geolocation.getCurrentPosition((found) => resolve(hereOf(found)), reject, options);
  });
}

function offset_m(from: LonLat, to: LonLat): [number, number] {
  const perLon = METRES_PER_DEGREE * Math.cos((from[1] * Math.PI) / 180);
  return [(to[0] - from[0]) * perLon, (to[1] - from[1]) * METRES_PER_DEGREE];
}

export const distance_m = (from: LonLat, to: LonLat): number => Math.hypot(...offset_m(from, to));

/** Degrees clockwise from north. */
export function bearing_deg(from: LonLat, to: LonLat): number {
  const [east, north] = offset_m(from, to);
  return (Math.atan2(east, north) * (180 / Math.PI) + 360) % 360;
}

/** What the device's own navigation opens. */
export const geoLink = ([lon, lat]: LonLat): string => `geo:${lat},${lon}?q=${lat},${lon}`;
