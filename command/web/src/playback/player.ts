/** Plays the record: a past moment from the server, then its changes in chunks that are fetched ahead. */
import { api } from "../api";
import type { City } from "../city";
import { followPast, present_ms } from "../clock";
import type { PastItems } from "../contract";

export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;
export type Speed = (typeof SPEEDS)[number];

/** So much wall time a chunk lasts; the next is asked for when less than half of it is left. */
const CHUNK_MS = 10_000;
const TICK_MS = 100;
/** Changes an operator sees a second of wall time. */
const STEPS_PER_S = 2;
const LEAST_STEP_S = 0.5;
/** The record of the last seconds is still on its way into the database. */
const EDGE_MS = 3_000;

interface Change {
  at_ms: number;
  apply: () => void;
}

export class Player {
  readonly #city: City;
  readonly #onChange: () => void;
  #shown_ms: number | null = null;
  #loaded_ms = 0;
  #playing = false;
  #speed: Speed = 1;
  #waiting: Change[] = [];
  #ticked_ms = 0;
  #ticker: number | null = null;
  #fetching = false;
  /** Grows with each seek, so that what was asked for before it is dropped when it comes. */
  #turn = 0;
  failure: string | null = null;

  constructor(city: City, onChange: () => void) {
    this.#city = city;
    this.#onChange = onChange;
  }

  get isOn(): boolean {
    return this.#shown_ms !== null;
  }

  get isPlaying(): boolean {
    return this.#playing;
  }

  get speed(): Speed {
    return this.#speed;
  }

  /** The moment that is shown. */
  get at_ms(): number {
    return this.#shown_ms ?? present_ms();
  }

  /** Goes to a moment; what was playing plays on from there. */
  async seek(at_ms: number): Promise<void> {
    const turn = ++this.#turn;
    const moment_ms = Math.min(at_ms, present_ms() - EDGE_MS);
    this.#shown_ms = moment_ms;
    this.#onChange();
    try {
      const state = await api.pastState(moment_ms);
      if (turn !== this.#turn) return;
      this.failure = null;
      this.#waiting = [];
      this.#loaded_ms = moment_ms;
      followPast(() => this.at_ms);
      this.#city.showPast(state);
      this.#ticked_ms = performance.now();
      this.#ticker ??= window.setInterval(() => this.#tick(), TICK_MS);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.failure = (error as Error).message;
      this.#playing = false;
    }
    this.#onChange();
  }

  play(): void {
    this.#playing = true;
    this.#ticked_ms = performance.now();
    this.#onChange();
  }

  pause(): void {
    this.#playing = false;
    this.#onChange();
  }

  /** Another speed takes other steps, so what was fetched ahead is fetched anew. */
  setSpeed(speed: Speed): void {
    this.#speed = speed;
    if (this.#shown_ms !== null) void this.seek(this.#shown_ms);
    this.#onChange();
  }

  /** Back to the present. */
  leave(): void {
    this.#turn++;
    this.#shown_ms = null;
    this.#playing = false;
    this.#waiting = [];
    this.failure = null;
    if (this.#ticker !== null) window.clearInterval(this.#ticker);
    this.#ticker = null;
    followPast(null);
    this.#city.showPresent();
    this.#onChange();
  }

  #tick(): void {
    const now = performance.now();
    const passed_ms = now - this.#ticked_ms;
    this.#ticked_ms = now;
    if (!this.#playing || this.#shown_ms === null) return;
    // The clock stands still where the record has not come yet: nothing is shown that was not so.
    const wanted_ms = this.#shown_ms + passed_ms * this.#speed;
    this.#shown_ms = Math.min(wanted_ms, Math.max(this.#loaded_ms, this.#shown_ms));
    while (this.#waiting[0] && this.#waiting[0].at_ms <= this.#shown_ms) this.#waiting.shift()?.apply();
    if (this.#loaded_ms - this.#shown_ms < (CHUNK_MS * this.#speed) / 2) void this.#fetchAhead();
    this.#onChange();
  }

  async #fetchAhead(): Promise<void> {
    const edge_ms = present_ms() - EDGE_MS;
    if (this.#fetching) return;
    const until_ms = Math.min(this.#loaded_ms + CHUNK_MS * this.#speed, edge_ms);
    if (until_ms - this.#loaded_ms < 1_000) return; // caught up with the present
    const turn = this.#turn;
    const step_s = Math.max(LEAST_STEP_S, this.#speed / STEPS_PER_S);
    this.#fetching = true;
    try {
      const changes = await api.pastChanges(this.#loaded_ms, until_ms, step_s);
      if (turn !== this.#turn) return;
      this.#waiting.push(...this.#byTime(changes));
      this.#loaded_ms = until_ms;
      this.failure = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.failure = (error as Error).message;
      this.#playing = false;
      this.#onChange();
    } finally {
      this.#fetching = false;
    }
  }

  #byTime({ signals, lanes, events, alarms }: PastItems): Change[] {
    const none: PastItems = { signals: [], lanes: [], events: [], alarms: [] };
    const change = (at: string, items: Partial<PastItems>): Change => ({
      at_ms: Date.parse(at),
      apply: () => this.#city.applyPast({ ...none, ...items }),
    });
    return [
      ...signals.map((item) => change(item.at, { signals: [item] })),
      ...lanes.map((item) => change(item.at, { lanes: [item] })),
      ...events.map((item) => change(item.at, { events: [item] })),
      ...alarms.map((item) => change(item.changed_at, { alarms: [item] })),
    ].toSorted((a, b) => a.at_ms - b.at_ms);
  }
}
