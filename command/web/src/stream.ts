/** The live stream: one EventSource, its state told at every change, reopened when the browser gives it up. */
import { BASE } from "./api";
import type { CasePin } from "./cases/contract";
import { checkSession, isLost, may, who } from "./session/session";
import type { Agent, Alarm, CameraNow, Items, Kpis, LaneNow, SignalNow, TrafficEvent } from "./contract";

export type Connection = "connecting" | "live" | "reconnecting" | "stale";

export interface Channels {
  signals: Items<SignalNow>;
  lanes: Items<LaneNow>;
  events: Items<TrafficEvent>;
  agents: Items<Agent>;
  cameras: Items<CameraNow>;
  pictures: Items<{ camera: string; at: string }>;
  alarms: Items<Alarm>;
  cases: Items<CasePin>;
  kpis: Kpis;
  reset: Record<string, never>;
}

type Listeners = { [K in keyof Channels]: (data: Channels[K]) => void };

/** KPIs come every 2 s; so long without any event means that the connection only looks alive. */
const SILENCE_MS = 7_000;
const REOPEN_MS = 1_500;
const CHANNELS = ["signals", "lanes", "events", "agents", "cameras", "pictures", "alarms", "cases", "kpis"] as const;

/** Those that this account may hear. */
const channels = () =>
  CHANNELS.filter((channel) => (channel !== "alarms" || may("see_alarms")) && (channel !== "cases" || hearsCases()));

/** Cases of districts are told to those who see all of them, a department's to its people for the whole city. */
function hearsCases(): boolean {
  const { roles = [], districts = [] } = who() ?? {};
  const seesAll = roles.some((role) => ["acceptor", "dispatcher", "operator", "supervisor"].includes(role));
  return may("see_cases") && (seesAll || (roles.includes("department") && districts.length === 0));
}

export class Stream {
  #source: EventSource | null = null;
  #heard_ms = performance.now();
  #opened_ms = Number.POSITIVE_INFINITY;
  #connection: Connection = "connecting";
  #reopening: number | null = null;
  #wasOpen = false;
  readonly #listeners: Listeners;
  readonly #onConnection: (connection: Connection) => void;

  constructor(listeners: Listeners, onConnection: (connection: Connection) => void) {
    this.#listeners = listeners;
    this.#onConnection = onConnection;
    window.setInterval(() => this.#watch(), 1_000);
    window.addEventListener("online", () => this.#reopen());
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** How long the connection has stood; what the server replays at its start is not fresh. */
  get open_ms(): number {
    return Math.max(0, performance.now() - this.#opened_ms);
  }

  open(): void {
    this.#source?.close();
    const source = new EventSource(`${BASE}/stream?channels=${channels().join(",")}`);
    this.#source = source;
    this.#heard_ms = performance.now();
    source.onopen = () => {
      this.#heard_ms = performance.now();
      this.#opened_ms = performance.now();
      this.#wasOpen = true;
      this.#become("live");
    };
    source.onerror = () => {
      this.#opened_ms = Number.POSITIVE_INFINITY;
      this.#become(this.#wasOpen ? "reconnecting" : "connecting");
      // After an answer other than 200 the browser does not try again by itself.
      if (source.readyState !== EventSource.CLOSED) return;
      void checkSession();
      this.#reopenSoon();
    };
    for (const channel of [...CHANNELS, "reset"] as const) this.#hear(source, channel);
  }

  #hear<K extends keyof Channels>(source: EventSource, channel: K): void {
    source.addEventListener(channel, (event: MessageEvent<string>) => {
      this.#heard_ms = performance.now();
      if (source.readyState === EventSource.OPEN) this.#become("live");
      this.#listeners[channel](JSON.parse(event.data) as Channels[K]);
    });
  }

  #watch(): void {
    const silent_ms = performance.now() - this.#heard_ms;
    if (this.#connection === "live" && silent_ms > SILENCE_MS) this.#become("stale");
    if (this.#connection === "stale" && silent_ms > 3 * SILENCE_MS) this.#reopen();
  }

  #reopenSoon(): void {
    if (this.#reopening !== null || isLost()) return;
    this.#reopening = window.setTimeout(() => {
      this.#reopening = null;
      this.#reopen();
    }, REOPEN_MS);
  }

  /** A new EventSource cannot say what it heard last, so everything is fetched anew. */
  #reopen(): void {
    if (isLost()) return;
    this.#become(this.#wasOpen ? "reconnecting" : "connecting");
    this.open();
    this.#source?.addEventListener("open", () => this.#listeners.reset({}), { once: true });
  }

  #become(connection: Connection): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#onConnection(connection);
  }
}
