/** What the phone asks of the API and gives it; see docs/cases.md. */
import type { LonLat } from "../contract";

export type TaskKind = "check" | "verify" | "handle";
export type TaskState = "offered" | "accepted" | "refused" | "done" | "withdrawn";
export type AttachmentKind = "report" | "before" | "after" | "voice";
export type Outcome = "done" | "conflict" | "gone" | "invalid";

export interface Task {
  id: string;
  case: string;
  number: string;
  class: string;
  kind: TaskKind;
  state: TaskState;
  severity: string;
  position: LonLat;
  address: string;
  text: string;
  must_accept: boolean;
  offered_at: string;
  due_at: string | null;
  on_scene_at: string | null;
  check_in_at: string | null;
  why: string;
  condition: string;
}

export interface Worker {
  worker: string;
  department: string | null;
  skills: string[];
  on_duty: boolean;
  duty_since: string | null;
  tasks: number;
}

export interface CaseClass {
  code: string;
  kind: "component" | "event";
  major: string;
  major_zh: string;
  name: string;
  name_zh: string;
}

export interface Message {
  id: number;
  at: string;
  kind: string;
  case: string | null;
  task: string | null;
  roll_call: string | null;
  text: string;
  read_at: string | null;
}

export interface Attachment {
  id: string;
  kind: AttachmentKind;
  media_type: string;
}

export interface Point {
  at: string;
  position: LonLat;
  accuracy_m: number | null;
}

/** One item of POST /field/batch, without its id and time. */
export type Deed =
  | { do: "report"; class: string; position: LonLat; text: string }
  | { do: "accept"; task: string }
  | { do: "refuse"; task: string; reason: string }
  | { do: "check_in"; task: string; on_scene: boolean }
  | { do: "result"; task: string; answer: boolean; text: string }
  | { do: "duty"; on: boolean }
  | { do: "positions"; items: Point[] };

export interface ItemAnswer {
  id: string;
  outcome: Outcome;
  again: boolean;
  message: string;
  case: string | null;
  number: string | null;
}

export interface Progress {
  id: string;
  size: number;
  received: number;
  done: boolean;
}
