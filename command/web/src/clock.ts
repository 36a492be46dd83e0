/** Wall clock as the server sees it, so that a browser with a wrong clock still shows true ages. */
import { serverDate } from "./api";

/** `Date` headers count whole seconds; below this the two clocks are taken as one. */
const TOLERANCE_MS = 2_500;

/** Milliseconds to add to this browser's clock; 0 while the clocks agree. */
export function clockOffset_ms(): number {
  if (!serverDate) return 0;
  const offset = serverDate.server_ms - serverDate.here_ms;
  return Math.abs(offset) > TOLERANCE_MS ? offset : 0;
}

let past: (() => number) | null = null;

/** While a past moment is shown, ages and countdowns run by its clock; null gives the present back. */
export function followPast(clock_ms: (() => number) | null): void {
  past = clock_ms;
}

/** The moment that the map shows. */
export const now_ms = (): number => past?.() ?? present_ms();

/** The moment it is, whatever the map shows. */
export const present_ms = (): number => Date.now() + clockOffset_ms();

/** Seconds since `at`, never negative. */
export const age_s = (at: string): number => Math.max(0, (now_ms() - Date.parse(at)) / 1000);
