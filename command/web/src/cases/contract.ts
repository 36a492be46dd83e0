/** The API's messages about cases; `at` is an ISO instant, positions are [lon, lat], times are seconds. */
import type { LonLat } from "../contract";

export const STAGES = ["collect", "file", "dispatch", "handle", "report_back", "verify", "evaluate"] as const;
export type Stage = (typeof STAGES)[number] | "dismissed" | "merged";
export type CaseSeverity = "low" | "normal" | "high";
export type Clock = "continuous" | "working_hours" | "working_days";
export type TaskKind = "check" | "verify" | "handle";

export interface CasePin {
  id: string;
  number: string;
  is_demonstration: boolean;
  class: string;
  source: string;
  stage: Stage;
  severity: CaseSeverity;
  position: LonLat;
  cell: string | null;
  districts: string[];
  department: string | null;
  created_at: string;
  changed_at: string;
  due_at: string | null;
  left_s: number | null;
  clock: Clock;
  suspended: boolean;
  overdue: boolean;
  reports: number;
  alarm: string | null;
}

export interface CaseView extends CasePin {
  text: string;
  address: string;
  component: string | null;
  merged_into: string | null;
  checked: boolean | null;
  acceptor: string | null;
  handler: string | null;
  verified_by: string | null;
  filed_at: string | null;
  closed_at: string | null;
  limit_s: number;
  suspensions: number;
  extensions: number;
  returns: number;
  round: number;
  appeal: "none" | "asked" | "granted" | "refused";
  level: number;
  rating: number | null;
  reopen_until: string | null;
}

export interface Entry {
  id: number;
  at: string;
  actor: string | null;
  what: string;
  text: string;
}

export interface Report {
  at: string;
  source: string;
  text: string;
  by_account: boolean;
}

export interface Task {
  id: string;
  kind: TaskKind;
  state: "offered" | "accepted" | "refused" | "done" | "withdrawn";
  worker: string;
  offered_at: string;
  answered_at: string | null;
  on_scene_at: string | null;
  done_at: string | null;
  answer: boolean | null;
  reason: string;
  why: string;
}

export interface Attachment {
  id: string;
  kind: "report" | "before" | "after" | "voice";
  media_type: string;
  taken_at: string | null;
  created_at: string;
}

export interface Duplicate {
  case: string;
  number: string;
  stage: Stage;
  distance_m: number;
  created_at: string;
}

export interface CaseDetail {
  case: CaseView;
  entries: Entry[];
  reports: Report[];
  tasks: Task[];
  attachments: Attachment[];
  duplicates: Duplicate[];
  deeds: string[];
}

export interface CaseClass {
  code: string;
  kind: "component" | "event";
  major: string;
  major_zh: string;
  name: string;
  name_zh: string;
  severity: CaseSeverity;
  clock: Clock;
  limit_s: number;
  owner: string;
  filing: string;
  closing: string;
  event_kinds: string[];
}

export interface Unit {
  worker: string;
  suitable: boolean;
  reason: string;
  age_s: number | null;
  travel_s: number | null;
  tasks: number;
}

export interface Worker {
  worker: string;
  department: string | null;
  skills: string[];
  on_duty: boolean;
  position: LonLat | null;
  position_at: string | null;
  fresh: boolean;
  tasks: number;
}

export interface LeagueRow {
  who: string;
  filed: number;
  closed: number;
  overdue: number;
  exempted: number;
  returns: number;
  reopened: number;
  rating: number | null;
  median_s: number | null;
  score: number;
}

export interface HandlingTimes {
  closed: number;
  mean_s: number | null;
  p10_s: number | null;
  p50_s: number | null;
  p90_s: number | null;
  histogram: { upper_h: number; number: number }[];
  yardstick: { before_days: number; after_days: number };
}

/** What a case is made from, before anybody looked at the form. */
export interface Draft {
  class: string | null;
  position: LonLat | null;
  text: string;
  alarm: string | null;
}
