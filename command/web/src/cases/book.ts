/** The cases that this browser knows: fetched once, kept up by the stream, newest wins. */
import { may, who } from "../session/session";
import { settings } from "../settings";
import { calls } from "./calls";
import type { CaseClass, CasePin, Stage, Worker } from "./contract";
import { isEnded, urgency, type Known, type Urgency } from "./timeleft";

const OPEN: readonly Stage[] = ["collect", "file", "dispatch", "handle", "report_back", "verify"];
const PAGE = 1_000;
/** More open cases than this are looked for by filters, not all held here. */
const MOST = 10_000;
const KEPT_ENDED = 1_000;
/** Clocks of working time move by the server's word, and lists heal where the stream was torn. */
const AGAIN_MS = 60_000;

/** Which stages wait for whom. */
const WAITS: readonly [string, readonly Stage[]][] = [
  ["accept_cases", ["collect", "report_back", "verify"]],
  ["dispatch_cases", ["file"]],
  ["handle_cases", ["dispatch", "handle"]],
];

export class CaseBook {
  readonly cases = new Map<string, Known>();
  readonly classes = new Map<string, CaseClass>();
  /** Numbers of cases by the alarm that they were made from. */
  readonly byAlarm = new Map<string, string>();
  workers: Worker[] = [];
  failure: string | null = null;
  readonly #listeners = new Set<() => void>();
  #frame: number | null = null;
  #timer: number | null = null;

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Fetches classes and open cases; whatever came newer meanwhile stays. */
  async fetch(): Promise<void> {
    if (!may("see_cases")) return;
    this.#timer ??= window.setInterval(() => void this.fetch(), AGAIN_MS);
    try {
      if (this.classes.size === 0) for (const one of await calls.classes()) this.classes.set(one.code, one);
      const told = new Set<string>();
      const asked_ms = Date.now();
      let cursor: string | null = null;
      do {
        const page = await calls.page({ stage: OPEN, limit: PAGE, cursor });
        this.take(page.items);
        for (const { id } of page.items) told.add(id);
        cursor = page.next;
      } while (cursor !== null && told.size < MOST);
      if (cursor === null) this.#forget(told, asked_ms);
      this.failure = null;
    } catch (error) {
      this.failure = (error as Error).message;
    }
    this.changed();
  }

  take(items: readonly CasePin[]): void {
    const told_ms = Date.now();
    for (const item of items) {
      const known = this.cases.get(item.id);
      if (known && Date.parse(known.changed_at) > Date.parse(item.changed_at)) continue;
      this.cases.set(item.id, { ...item, told_ms });
      if (item.alarm) this.byAlarm.set(item.alarm, item.id);
    }
    const ended = [...this.cases.values()].filter(isEnded);
    if (ended.length > KEPT_ENDED) {
      const oldest = ended.toSorted((a, b) => a.told_ms - b.told_ms).slice(0, ended.length - KEPT_ENDED);
      for (const { id } of oldest) this.cases.delete(id);
    }
    this.changed();
  }

  /** Open cases that are not this account's to see any more. */
  #forget(told: ReadonlySet<string>, asked_ms: number): void {
    for (const one of this.cases.values()) {
      if (!told.has(one.id) && !isEnded(one) && one.told_ms < asked_ms) this.cases.delete(one.id);
    }
  }

  async fetchWorkers(): Promise<void> {
    this.workers = await calls.workers();
    this.changed();
  }

  changed(): void {
    this.#frame ??= window.requestAnimationFrame(() => {
      this.#frame = null;
      for (const listener of this.#listeners) listener();
    });
  }

  urgency(one: Known): Urgency {
    return urgency(one, this.classes.get(one.class)?.limit_s ?? 0);
  }

  className(code: string): string {
    const found = this.classes.get(code);
    if (!found) return code;
    return settings.language === "zh" ? found.name_zh : found.name;
  }

  /** The class that events and alarms of this kind are of. */
  classOf(kind: string): string | null {
    for (const one of this.classes.values()) if (one.event_kinds.includes(kind)) return one.code;
    return null;
  }

  departments(): string[] {
    const owners = [...this.classes.values()].map(({ owner }) => owner);
    const known = [...this.cases.values()].map(({ department }) => department ?? "");
    return [...new Set([...owners, ...known])].filter(Boolean).toSorted();
  }

  districts(): string[] {
    const known = [...this.cases.values()].flatMap(({ districts }) => districts);
    return [...new Set([...known, ...(who()?.districts ?? [])])].toSorted();
  }

  open(): Known[] {
    return [...this.cases.values()].filter((one) => !isEnded(one));
  }

  waitsForMe({ stage }: CasePin): boolean {
    return WAITS.some(([action, stages]) => may(action) && stages.includes(stage));
  }
}
