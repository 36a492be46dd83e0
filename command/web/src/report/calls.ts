/** Calls of the public page: without an account, and without the cookie of one. */
import { BASE, failure } from "../api";
import type { LonLat } from "../contract";
import type { StreetMap } from "../map/small";
import type { Photo } from "../photo";

export interface PublicClass {
  class: string;
  major: string;
  major_zh: string;
  name: string;
  name_zh: string;
}

export interface Report {
  id: string;
  follow: string;
  class: string;
  position: LonLat;
  text: string;
  address: string;
}

export type Stage = "received" | "filed" | "dispatched" | "handling" | "handled" | "verified" | "closed" | "dismissed";

export interface Followed {
  number: string;
  class: string;
  name: string;
  name_zh: string;
  stage: Stage;
  reported_at: string;
  changed_at: string;
  closed_at: string | null;
  rating: number | null;
  may_rate: boolean;
  may_reopen: boolean;
  reopen_until: string | null;
  notes: { at: string; what: string }[];
  photos: number;
}

export interface Nearby {
  cell: string;
  center: LonLat;
  class: string;
  name: string;
  name_zh: string;
  number: number;
  since: string;
}

/** `follow` goes in a header: addresses get into logs. */
async function call<T>(method: string, path: string, body?: unknown, follow?: string): Promise<T> {
  const photo = body instanceof Blob ? body : null;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = photo ? photo.type : "application/json";
  if (follow) headers["X-Follow"] = follow;
  const sent = body === undefined ? null : (photo ?? JSON.stringify(body));
  const response = await fetch(`${BASE}/public${path}`, { method, headers, body: sent, credentials: "omit" });
  if (!response.ok) throw await failure(response);
  return (await response.json()) as T;
}

const around = ([lon, lat]: LonLat, radius_m: number) => `lon=${lon}&lat=${lat}&radius_m=${radius_m}`;

export const ask = {
  classes: async () => (await call<{ items: PublicClass[] }>("GET", "/classes")).items,
  streets: (place: LonLat | null) => call<StreetMap>("GET", `/streets?${place ? around(place, 1500) : "radius_m=1500"}`),
  nearby: async (place: LonLat) => (await call<{ items: Nearby[] }>("GET", `/nearby?${around(place, 800)}`)).items,
  report: (report: Report) => call<{ number: string }>("POST", "/reports", report),
  photo: (follow: string, { bytes, media_type }: Photo) =>
    call<Followed>("POST", "/follow/photos", new Blob([bytes], { type: media_type }), follow),
  follow: (follow: string) => call<Followed>("GET", "/follow", undefined, follow),
  rate: (follow: string, score: number, text: string) => call<Followed>("POST", "/follow/rating", { score, text }, follow),
  reopen: (follow: string, reason: string) => call<Followed>("POST", "/follow/reopening", { reason }, follow),
};

/** 256 random bits in base64url: whoever has them may follow the report. */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const plain = btoa(String.fromCharCode(...bytes));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export const linkOf = (follow: string): string => `${location.origin}/report/#follow=${follow}`;
