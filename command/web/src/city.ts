/** The city as this browser knows it: what the API told, newest wins, changes handed out once a frame. */
import { api, ApiError } from "./api";
import { CaseBook } from "./cases/book";
import { age_s, now_ms } from "./clock";
import type {
  Agent,
  Alarm,
  CameraNow,
  IntersectionConfig,
  IntersectionSummary,
  Kpis,
  LaneNow,
  Network,
  PastItems,
  PastState,
  SignalNow,
  Site,
  TrafficEvent,
} from "./contract";
import { may } from "./session/session";
import { Stream, type Connection } from "./stream";

/** Controllers report at least every 10 s; after this a signal's state is uncertain. */
export const UNCERTAIN_S = 15;
const KEPT_EVENTS = 300;
const KEPT_KPIS = 150;

/** What changed since the last frame. */
export interface Changes {
  network: boolean;
  intersections: boolean;
  signals: Set<string>;
  lanes: Set<string>;
  cameras: Set<string>;
  agents: boolean;
  events: boolean;
  alarms: boolean;
  kpis: boolean;
  connection: boolean;
  /** `captured_ms` of the states that the stream brought fresh. */
  captured_ms: number[];
}

const noChanges = (): Changes => ({
  network: false,
  intersections: false,
  signals: new Set(),
  lanes: new Set(),
  cameras: new Set(),
  agents: false,
  events: false,
  alarms: false,
  kpis: false,
  connection: false,
  captured_ms: [],
});

/** A stream that has just (re)opened replays what was missed; that says nothing of the latency now. */
const SETTLED_MS = 3_000;

export class City {
  site: Site | null = null;
  network: Network | null = null;
  failure: string | null = null;
  kpis: Kpis[] = [];
  readonly intersections = new Map<string, IntersectionSummary>();
  readonly signals = new Map<string, SignalNow>();
  readonly lanes = new Map<string, LaneNow>();
  readonly cameras = new Map<string, CameraNow>();
  readonly agents = new Map<string, Agent>();
  readonly events = new Map<string, TrafficEvent>();
  readonly alarms = new Map<string, Alarm>();
  readonly cases = new CaseBook();

  readonly #configs = new Map<string, Promise<IntersectionConfig>>();
  readonly #listeners = new Set<(changes: Changes) => void>();
  readonly #stream: Stream;
  #changes = noChanges();
  #frame: number | null = null;
  #fetching = false;
  #refetch: number | null = null;
  #past = false;

  constructor() {
    this.#stream = new Stream(
      {
        signals: ({ items }) => this.#live(() => this.#takeSignals(items, true)),
        lanes: ({ items }) => this.#live(() => this.#takeLanes(items)),
        cameras: ({ items }) => this.#live(() => this.#takeCameras(items)),
        pictures: ({ items }) => this.#live(() => this.#takePictures(items)),
        agents: ({ items }) => this.#live(() => this.#takeAgents(items)),
        events: ({ items }) => this.#live(() => this.#takeEvents(items)),
        alarms: ({ items }) => this.takeAlarms(items),
        cases: ({ items }) => this.cases.take(items),
        kpis: (kpis) => this.#live(() => this.#takeKpis(kpis)),
        reset: () => void this.fetchAll(),
      },
      () => this.#change((changes) => (changes.connection = true)),
    );
  }

  /** Whether a past moment is shown instead of the present. */
  get isPast(): boolean {
    return this.#past;
  }

  get connection(): Connection {
    return this.#stream.connection;
  }

  /** Calls `listener` at most once an animation frame, with all that changed since. */
  onFrame(listener: (changes: Changes) => void): void {
    this.#listeners.add(listener);
  }

  start(): void {
    this.#stream.open();
    void this.fetchAll();
  }

  /** How an intersection is built; asked for once. */
  config(intersection: string): Promise<IntersectionConfig> {
    let config = this.#configs.get(intersection);
    if (!config) {
      config = api.intersection(intersection);
      config.catch(() => this.#configs.delete(intersection)); // asked again next time
      this.#configs.set(intersection, config);
    }
    return config;
  }

  isUncertain(signal: SignalNow | undefined): boolean {
    return !signal || age_s(signal.at) > UNCERTAIN_S;
  }

  /** Seconds until the earliest and latest change, running on since the state was captured. */
  remaining_s(signal: SignalNow): { min_s: number; max_s: number | null } {
    const gone_s = ((now_ms() - Date.parse(signal.at)) / 1000) * (this.site?.speed ?? 1);
    return {
      min_s: Math.max(0, signal.min_remaining_s - gone_s),
      max_s: signal.max_remaining_s === null ? null : Math.max(0, signal.max_remaining_s - gone_s),
    };
  }

  /** Fetches everything; whatever the stream brought meanwhile stays, being newer. */
  async fetchAll(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    try {
      const site = await api.site();
      if (this.site && this.site.version !== site.version) window.location.reload();
      this.site = site;
      const asked = await Promise.allSettled([
        api.network().then((network) => this.#takeNetwork(network)),
        api.intersections().then((items) => this.#takeIntersections(items)),
        api.signals().then((items) => this.#live(() => this.#takeSignals(items, false))),
        api.lanes().then((items) => this.#live(() => this.#takeLanes(items))),
        api.cameras().then((items) => this.#takeCameras(items)),
        api.agents().then((items) => this.#live(() => this.#takeAgents(items))),
        api.events().then((items) => this.#live(() => this.#takeEvents(items))),
        this.cases.fetch(),
        may("see_alarms") && api.alarms().then((items) => this.takeAlarms(items)),
        api.kpis().then((kpis) => this.#live(() => this.#takeKpis(kpis))),
      ]);
      // One part that is away (a database that starts late) keeps nothing else from the map.
      const failed = asked.find((answer) => answer.status === "rejected");
      if (failed) throw failed.reason;
      this.failure = null;
      // A city that is still starting tells its roads a little later.
      if (!this.network?.features.length || this.intersections.size === 0) this.#fetchLater();
    } catch (error) {
      // A TypeError is a server that is away, which the connection already tells.
      this.failure = error instanceof ApiError ? error.message : null;
      this.#fetchLater();
    } finally {
      this.#fetching = false;
      this.#change((changes) => (changes.connection = true));
    }
  }

  #fetchLater(): void {
    if (this.#refetch !== null) return;
    this.#refetch = window.setTimeout(() => {
      this.#refetch = null;
      void this.fetchAll();
    }, 3_000);
  }

  #takeNetwork(network: Network): void {
    const same =
      this.network?.features.length === network.features.length &&
      this.network.features[0]?.properties.lane === network.features[0]?.properties.lane;
    this.network = network;
    if (same) return;
    this.#configs.clear(); // ways through the junctions come from the network
    this.#change((changes) => (changes.network = true));
  }

  #takeIntersections(items: IntersectionSummary[]): void {
    for (const item of items) this.intersections.set(item.intersection, item);
    this.#change((changes) => (changes.intersections = true));
  }

  #takeSignals(items: SignalNow[], fromStream: boolean): void {
    const fresh = fromStream && this.#stream.open_ms > SETTLED_MS;
    this.#change((changes) => {
      for (const item of items) {
        const known = this.signals.get(item.intersection);
        if (known && Date.parse(known.at) >= Date.parse(item.at)) continue;
        this.signals.set(item.intersection, item);
        changes.signals.add(item.intersection);
        if (fresh) changes.captured_ms.push(Date.parse(item.at));
        // A signal that was not there when everything was fetched.
        if (!this.intersections.has(item.intersection)) this.#fetchLater();
      }
    });
  }

  #takeLanes(items: LaneNow[]): void {
    this.#change((changes) => {
      for (const item of items) {
        const known = this.lanes.get(item.lane);
        if (known && Date.parse(known.at) > Date.parse(item.at)) continue;
        this.lanes.set(item.lane, item);
        changes.lanes.add(item.lane);
      }
    });
  }

  #takeCameras(items: CameraNow[]): void {
    this.#change((changes) => {
      for (const item of items) {
        this.cameras.set(item.camera, item);
        changes.cameras.add(item.camera);
      }
    });
  }

  #takePictures(items: { camera: string; at: string }[]): void {
    this.#change((changes) => {
      for (const { camera, at } of items) {
        const known = this.cameras.get(camera);
        if (known) known.picture_at = at;
        changes.cameras.add(camera);
      }
    });
  }

  #takeAgents(items: Agent[]): void {
    for (const item of items) this.agents.set(item.device, item);
    this.#change((changes) => (changes.agents = true));
  }

  #takeEvents(items: TrafficEvent[]): void {
    for (const item of items) this.events.set(item.event, item);
    if (this.events.size > KEPT_EVENTS) {
      const oldest = [...this.events.values()].toSorted((a, b) => (a.start_at < b.start_at ? -1 : 1));
      for (const { event } of oldest.slice(0, this.events.size - KEPT_EVENTS)) this.events.delete(event);
    }
    this.#change((changes) => (changes.events = true));
  }

  /** Shows a past moment; what is live is not taken in until `showPresent`. */
  showPast(state: PastState): void {
    this.#past = true;
    this.#forget();
    this.applyPast(state);
    const { mean_delay_s, stops_per_vehicle, throughput_veh_h } = state.figures;
    const vehicles = state.lanes.reduce((sum, lane) => sum + lane.vehicles, 0);
    const commanded = state.signals.filter(({ mode }) => mode === "commanded").length;
    this.#takeKpis({
      at: state.at, vehicles, mean_delay_s, stops_per_vehicle, throughput_veh_h, stored_per_s: null,
      latency_stored_p50_s: null, latency_stored_p99_s: null, latency_map_p50_s: null, latency_map_p99_s: null,
      intersections: this.intersections.size, commanded, silent_agents: 0,
    }); // prettier-ignore
  }

  /** What changed since the past moment that is shown. */
  applyPast({ signals, lanes, events, alarms }: PastItems): void {
    this.#takeSignals(signals, false);
    this.#takeLanes(lanes);
    this.#takeEvents(events);
    this.#keepAlarms(alarms);
  }

  showPresent(): void {
    this.#past = false;
    this.#forget();
    // What is being fetched may have been passed over; then it is fetched again.
    if (this.#fetching) this.#fetchLater();
    else void this.fetchAll();
  }

  /** Forgets what changes; what the city is built of stays. */
  #forget(): void {
    this.#change((changes) => {
      for (const id of this.intersections.keys()) changes.signals.add(id);
      for (const id of this.lanes.keys()) changes.lanes.add(id);
      for (const id of this.cameras.keys()) changes.cameras.add(id);
      changes.agents = changes.events = changes.alarms = changes.kpis = changes.connection = true;
    });
    for (const known of [this.signals, this.lanes, this.agents, this.events, this.alarms]) known.clear();
    this.kpis = [];
  }

  /** Takes in what is live, unless a past moment is shown. */
  #live(take: () => void): void {
    if (!this.#past) take();
  }

  /** Alarms as they are now. */
  takeAlarms(items: Alarm[]): void {
    this.#live(() => this.#keepAlarms(items));
  }

  /** Newest wins; what was closed is forgotten. */
  #keepAlarms(items: Alarm[]): void {
    for (const item of items) {
      const known = this.alarms.get(item.id);
      if (known && Date.parse(known.changed_at) > Date.parse(item.changed_at)) continue;
      if (item.state === "closed") this.alarms.delete(item.id);
      else this.alarms.set(item.id, item);
    }
    this.#change((changes) => (changes.alarms = true));
  }

  #takeKpis(kpis: Kpis): void {
    this.kpis.push(kpis);
    if (this.kpis.length > KEPT_KPIS) this.kpis.shift();
    this.#change((changes) => (changes.kpis = true));
  }

  #change(note: (changes: Changes) => void): void {
    note(this.#changes);
    this.#frame ??= window.requestAnimationFrame(() => this.#hand());
  }

  #hand(): void {
    const changes = this.#changes;
    this.#changes = noChanges();
    this.#frame = null;
    for (const listener of this.#listeners) listener(changes);
  }
}
