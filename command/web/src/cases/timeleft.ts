/** How much of its time a case has left, as a state to draw and a text to read. */
import { number, t } from "../i18n";
import type { CasePin, Stage } from "./contract";

/** A pin, and when the server told it. */
export interface Known extends CasePin {
  told_ms: number;
}

/** Late, soon late, in time, standing still, and without a clock: each has a colour and a shape of its own. */
export const URGENCIES = ["late", "soon", "fine", "still", "none"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** The part of the limit that is left when the server reminds. */
const SOON = 0.2;
const ENDED: readonly Stage[] = ["evaluate", "dismissed", "merged"];
const RUNNING: readonly Stage[] = ["file", "dispatch", "handle"];

export const isEnded = ({ stage }: CasePin): boolean => ENDED.includes(stage);

/** Whether the clock of a case runs: not before filing, not while suspended, not after the feedback. */
export const runs = (one: CasePin): boolean => !one.suspended && RUNNING.includes(one.stage);

/** Seconds of its own clock; working time is known by the server alone and moves with its next news. */
export function left_s(one: Known): number | null {
  if (one.left_s === null) return null;
  const gone_s = runs(one) && one.clock === "continuous" ? (Date.now() - one.told_ms) / 1000 : 0;
  return one.left_s - gone_s;
}

export function urgency(one: Known, limit_s: number): Urgency {
  const left = left_s(one);
  if (left === null) return "none";
  if (left < 0) return "late";
  if (!runs(one)) return "still";
  return left <= SOON * limit_s ? "soon" : "fine";
}

/** "3 d", "40 h", "75 min": a smaller unit as long as it stays short, cut and not rounded. */
export function span(seconds: number): string {
  const all = Math.abs(seconds);
  if (all < 5_400) return t("age.min", { n: number(Math.max(1, Math.floor(all / 60))) });
  if (all < 172_800) return t("age.h", { n: number(Math.floor(all / 3_600)) });
  return t("age.d", { n: number(Math.floor(all / 86_400)) });
}

export function leftText(one: Known): string {
  const left = left_s(one);
  if (left === null) return isEnded(one) ? t(`stage.${one.stage}`) : t("cases.no_clock");
  if (left < 0) return t("cases.late", { span: span(left) });
  return t(one.suspended ? "cases.suspended_with" : "cases.left", { span: span(left) });
}

/** Soonest due first; what has no clock after it, oldest first; what has ended last, newest first. */
export function byTimeLeft(a: Known, b: Known): number {
  const rank = (one: Known) => (isEnded(one) ? 2 : one.left_s === null ? 1 : 0);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) === 0) return (left_s(a) ?? 0) - (left_s(b) ?? 0);
  if (rank(a) === 1) return Date.parse(a.created_at) - Date.parse(b.created_at);
  return Date.parse(b.changed_at) - Date.parse(a.changed_at);
}
