/** The key figures that pages show, in the units that people read. */
import type { Key } from "../i18n";

export interface FigureRow {
  start: string;
  district: string | null;
  vehicles: number;
  throughput_veh_h: number | null;
  mean_delay_s: number | null;
  stops_per_vehicle: number | null;
  mean_speed_mps: number | null;
  queue_m: number | null;
}

export type MetricName = "throughput_veh_h" | "mean_delay_s" | "stops_per_vehicle" | "mean_speed_mps" | "queue_m";

export interface Figure {
  name: MetricName;
  label: Key;
  unit: Key | null;
  digits: number;
  /** From the unit of the API to the one shown. */
  factor: number;
  /** Whether more of it is good, bad, or neither. */
  good: "more" | "less";
  value: (row: FigureRow) => number | null;
}

function figure(name: MetricName, label: Key, unit: Key | null, digits: number, good: "more" | "less", factor = 1): Figure {
  const value = (row: FigureRow) => {
    const found = row[name];
    return found === null ? null : found * factor;
  };
  return { name, label, unit, digits, factor, good, value };
}

export const METRICS: readonly Figure[] = [
  figure("throughput_veh_h", "kpi.throughput", "unit.veh_h", 0, "more"),
  figure("mean_delay_s", "kpi.delay", "unit.s", 1, "less"),
  figure("stops_per_vehicle", "kpi.stops", null, 2, "less"),
  figure("mean_speed_mps", "figures.speed", "unit.kmh", 1, "more", 3.6),
  figure("queue_m", "figures.queue", "unit.m", 1, "less"),
];
