/** Requests to the API; every failure is an ApiError with the server's own sentence. */
import type {
  Agent,
  Alarm,
  Balance,
  CameraNow,
  Command,
  IntersectionConfig,
  IntersectionSummary,
  Items,
  Kpis,
  LaneNow,
  ManualWave,
  Network,
  Order,
  PastItems,
  PastState,
  Reasons,
  SignalNow,
  Site,
  TrafficEvent,
} from "./contract";

export const BASE = "/api/v1";

/** Told to the window when the server knows nobody of this browser any more. */
export const SIGNED_OUT = "citybrain:signed-out";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

interface Failure {
  error?: { message?: string; field?: string | null };
}

export async function failure(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as Failure;
  return new ApiError(response.status, body.error?.message ?? response.statusText, body.error?.field ?? null);
}

/** The server's `Date` of the last answer, to notice a browser whose clock is wrong. */
export let serverDate: { server_ms: number; here_ms: number } | null = null;

/** What `path` answers; an ApiError where it refuses. */
export async function get<T>(path: string): Promise<T> {
  const response = await fetch(BASE + path, { headers: { Accept: "application/json" } });
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) serverDate = { server_ms: date, here_ms: Date.now() };
  if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT));
  if (!response.ok) throw await failure(response);
  return (await response.json()) as T;
}

const items = async <T>(path: string): Promise<T[]> => (await get<Items<T>>(path)).items;
const id = encodeURIComponent;
const iso = (at_ms: number): string => new Date(at_ms).toISOString();

export const api = {
  site: () => get<Site>("/site"),
  network: () => get<Network>("/network"),
  intersections: () => items<IntersectionSummary>("/intersections"),
  reasons: (name: string) => get<{ reasons: Reasons | null }>(`/intersections/${id(name)}/reasons`),
  orders: () => items<Order>("/orders"),
  manualWaves: () => items<ManualWave>("/manual-waves"),
  intersection: (name: string) => get<IntersectionConfig>(`/intersections/${id(name)}`),
  signals: () => items<SignalNow>("/signals"),
  lanes: () => items<LaneNow>("/lanes"),
  cameras: () => items<CameraNow>("/cameras"),
  agents: () => items<Agent>("/agents"),
  delivery: () => items<Balance>("/delivery"),
  events: () => items<TrafficEvent>("/events"),
  alarms: () => items<Alarm>("/alarms"),
  kpis: () => get<Kpis>("/kpis"),
  /** `purpose` goes into the audit: why somebody looks. */
  picture: (camera: string, version: string | number, purpose: "monitoring" | "event" | "maintenance") =>
    `${BASE}/cameras/${id(camera)}/picture.jpg?purpose=${purpose}&v=${id(version)}`,
  /** Of the hour before `to_ms`, which is now if left out. */
  commands: (name: string, to_ms?: number) =>
    items<Command>(`/commands?intersection=${id(name)}${to_ms === undefined ? "" : `&to=${iso(to_ms)}`}`),
  eventsBetween: (from_ms: number, to_ms: number) =>
    items<TrafficEvent>(`/events?from=${iso(from_ms)}&to=${iso(to_ms)}`),
  pastState: (at_ms: number) => get<PastState>(`/playback/state?at=${iso(at_ms)}`),
  pastChanges: (from_ms: number, to_ms: number, step_s: number) =>
    get<PastItems>(`/playback/changes?from=${iso(from_ms)}&to=${iso(to_ms)}&step_s=${step_s}`),
};
