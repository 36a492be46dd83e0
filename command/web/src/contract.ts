/** The API's messages as the live map uses them; `at` is an ISO instant, positions are [lon, lat]. */

export type LonLat = [number, number];

export interface Site {
  site: string;
  center: LonLat | null;
  bounds: [LonLat, LonLat] | null;
  version: string;
  speed: number;
}

export interface LaneProperties {
  lane: string;
  name: string;
  speed_limit_mps: number;
  width_m: number;
  intersection: string | null;
}

export type Network = GeoJSON.FeatureCollection<GeoJSON.LineString, LaneProperties>;

export type Interval = "green" | "yellow" | "all_red" | "flash";
export type ControlMode = "commanded" | "local" | "flash";

export interface SignalNow {
  intersection: string;
  position: LonLat | null;
  at: string;
  indications: string;
  phase: number;
  next_phase: number;
  interval: Interval;
  elapsed_s: number;
  min_remaining_s: number;
  max_remaining_s: number | null;
  mode: ControlMode;
  command_seq: number;
}

export interface IntersectionSummary {
  intersection: string;
  name: string;
  position: LonLat;
  lanes: string[];
  phases: number;
  state: SignalNow | null;
}

export type Turn = "through" | "left" | "right" | "u_turn" | "pedestrian";

export interface Movement {
  index: number;
  from_lane: string;
  to_lane: string;
  turn: Turn;
  path: LonLat[];
}

export interface Phase {
  indications: string;
  min_green_s: number;
  max_green_s: number;
  local_green_s: number;
}

export interface IntersectionConfig {
  intersection: string;
  name: string;
  position: LonLat;
  lanes: { lane: string; length_m: number; path: LonLat[] }[];
  movements: Movement[];
  phases: Phase[];
}

export interface LaneNow {
  lane: string;
  intersection: string;
  at: string;
  vehicles: number;
  queued: number;
  queue_m: number;
  mean_speed_mps: number | null;
  occupancy: number;
  crossed: number;
  speed_limit_mps: number | null;
}

export type Health = "starting" | "ok" | "degraded" | "failed" | "offline" | "silent";

export interface CameraNow {
  camera: string;
  position: LonLat | null;
  health: Health;
  at: string | null;
  fps: number | null;
  width: number | null;
  height: number | null;
  counts: Record<string, Record<string, number>>;
  picture_at: string | null;
}

export interface Agent {
  device: string;
  kind: string;
  health: Health;
  at: string;
  started_at: string;
  version: string;
  detail: string;
  spooled: number;
  sent: number;
  position: LonLat | null;
  figures: Record<string, number>;
}

/** What became of the messages that a device numbered in its present boot. */
export interface Balance {
  device: string;
  numbered: number;
  committed: number;
  dead_lettered: number;
  given_up: number;
  spooled: number;
  open: number;
  duplicates: number;
}

export type Severity = "info" | "warning" | "critical";

export interface TrafficEvent {
  event: string;
  kind: string;
  severity: Severity;
  at: string;
  start_at: string;
  end_at: string | null;
  intersection: string | null;
  camera: string | null;
  lane: string | null;
  position: LonLat | null;
  detail: string;
}

export interface Alarm {
  id: string;
  kind: string;
  severity: Severity;
  state: "open" | "acknowledged" | "closed";
  raised_at: string;
  last_at: string;
  ended_at: string | null;
  changed_at: string;
  events: number;
  intersection: string | null;
  camera: string | null;
  device: string;
  position: LonLat | null;
  detail: string;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  assigned_to: string | null;
  snoozed_until: string | null;
  level: number;
}

export interface Kpis {
  at: string;
  vehicles: number | null;
  mean_delay_s: number | null;
  stops_per_vehicle: number | null;
  throughput_veh_h: number | null;
  stored_per_s: number | null;
  latency_stored_p50_s: number | null;
  latency_stored_p99_s: number | null;
  latency_map_p50_s: number | null;
  latency_map_p99_s: number | null;
  intersections: number;
  commanded: number;
  silent_agents: number;
}

export type Binding = "plan" | "minimum_green" | "clearance" | "priority" | "rules" | "order";

/** Why the optimiser wants a phase; seconds are the street's, from `at`. */
export interface Reasons {
  intersection: string;
  at: string;
  phase: number;
  binding: Binding;
  detail: string;
  plan: { phase: number; in_s: number }[];
  lanes: { lane: string; queued: number; clears_s: number | null }[];
}

/** What a person wants of a signal for some minutes. */
export interface Order {
  id: string;
  intersection: string;
  kind: "hold" | "local";
  phase: number | null;
  starts_at: string;
  expires_at: string;
  reason: string;
  ordered_by: string;
  wave: string | null;
}

export interface HoldStep {
  intersection: string;
  phase: number;
  after_s: number;
  lasts_s: number;
}

/** A green wave by hand: asked for by one person, confirmed by another. */
export interface ManualWave {
  id: string;
  holds: HoldStep[];
  reason: string;
  asked_by: string;
  lapses_at: string;
  confirmed_by: string | null;
  confirmed_at: string | null;
  is_own: boolean;
}

export interface Command {
  at: string;
  phase: number;
  reason: string;
  accepted: boolean | null;
  answer: string | null;
}

export interface PastFigures {
  mean_delay_s: number | null;
  stops_per_vehicle: number | null;
  throughput_veh_h: number | null;
}

/** What stood, or changed, on each track of the record. */
export interface PastItems {
  signals: SignalNow[];
  lanes: LaneNow[];
  events: TrafficEvent[];
  alarms: Alarm[];
}

export interface PastState extends PastItems {
  at: string;
  figures: PastFigures;
}

export interface Items<T> {
  items: T[];
}
