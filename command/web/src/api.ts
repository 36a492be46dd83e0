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
  Network,
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

export const api = {
  site: () => get<Site>("/site"),
  network: () => get<Network>("/network"),
  intersections: () => items<IntersectionSummary>("/intersections"),
  reasons: (name: string) => get<Reasons>(`/intersections/${id(name)}/reasons`),
  intersection: (name: string) => get<IntersectionConfig>(`/intersections/${id(name)}`),
  signals: () => items<SignalNow>("/signals"),
  lanes: () => items<LaneNow>("/lanes"),
  cameras: () => items<CameraNow>("/cameras"),
  agents: () => items<Agent>("/agents"),
  events: () => items<TrafficEvent>("/events"),
  alarms: () => items<Alarm>("/alarms"),
  kpis: () => get<Kpis>("/kpis"),
  delivery: () => items<Balance>("/delivery"),
  commands: (name: string) => items<Command>(`/commands?intersection=${id(name)}`),
  /** `purpose` goes into the audit: why somebody looks. */
  picture: (camera: string, version: string | number, purpose: "monitoring" | "event" | "maintenance") =>
    `${BASE}/cameras/${id(camera)}/picture.jpg?purpose=${purpose}&v=${id(version)}`,
};
