/** Requests about cases. */
import { get } from "../api";
import type { Items } from "../contract";
import { send } from "../session/session";
import type { CaseClass, CaseDetail, CasePin, CaseView, HandlingTimes, LeagueRow, TaskKind, Unit, Worker } from "./contract";

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** Values that are null, empty or false are left out. */
function query(values: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    const many = Array.isArray(value) ? (value as readonly string[]) : [value];
    for (const one of many) if (one !== null && one !== undefined && one !== "" && one !== false) parameters.append(name, String(one));
  }
  return parameters.size > 0 ? `?${parameters}` : "";
}

const id = encodeURIComponent;

export interface CasePage {
  items: CasePin[];
  next: string | null;
}

export const calls = {
  page: (asked: Query) => get<CasePage>(`/cases${query(asked)}`),
  detail: (name: string) => get<CaseDetail>(`/cases/${id(name)}`),
  classes: async () => (await get<Items<CaseClass>>("/case-classes")).items,
  units: async (name: string, kind: TaskKind) => (await get<Items<Unit>>(`/cases/${id(name)}/units?kind=${kind}`)).items,
  workers: async () => (await get<Items<Worker>>("/workers")).items,
  deed: (name: string, deed: string, body: unknown) => send<CaseView>("POST", `/cases/${id(name)}/${deed}`, body),
  report: (body: unknown) => send<CaseView>("POST", "/cases", body),
  fromAlarm: (alarm: string) => send<CaseView>("POST", `/alarms/${id(alarm)}/case`, {}),
  league: async (asked: Query) => (await get<Items<LeagueRow>>(`/evaluation/league${query(asked)}`)).items,
  times: (asked: Query) => get<HandlingTimes>(`/evaluation/times${query(asked)}`),
  picture: (name: string) => `/api/v1/attachments/${id(name)}`,
};

/** A UUID (version 4); `crypto.randomUUID` is missing where the page is not served over TLS. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
