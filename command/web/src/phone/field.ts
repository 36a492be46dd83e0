/** What the phone knows: tasks, duty, messages and classes as last told by the server, and what was done since. */
import { ApiError } from "../api";
import { distance_m, type Here } from "../here";
import type { LonLat } from "../contract";
import type { StreetMap } from "../map/small";
import type { Photo } from "../photo";
import { Away, call } from "./calls";
import type { CaseClass, Deed, Message, Task, Worker } from "./contract";
import { notify } from "./notice";
import { dutyAsDone, tasksAsDone, type Shown } from "./overlay";
import { Sender, type Net, type Sent } from "./sender";
import type { Entry, NewEntry, Store } from "./store";

interface Items<T> {
  items: T[];
}

const REFRESH_MS = 60_000;
const MOST_SENT = 50;
/** Of one item of a batch. */
const MOST_PLACES = 500;
const STREETS_M = 2_000;
/** Nearer to the edge of the known streets than this, others are fetched. */
const STREETS_EDGE_M = 700;

export class Field {
  readonly store: Store;
  worker: Worker | null = null;
  messages: Message[] = [];
  classes = new Map<string, CaseClass>();
  entries: Entry[] = [];
  sent: Sent[] = [];
  #tasks: Task[] = [];
  #refreshing: Promise<void> | null = null;
  readonly #sender: Sender;
  readonly #listeners = new Set<() => void>();

  private constructor(store: Store) {
    this.store = store;
    this.#sender = new Sender(store, () => void this.#reread(), (sent) => this.#wasSent(sent)); // prettier-ignore
  }

  /** With what this device kept, and from then on up to date. */
  static async open(store: Store): Promise<Field> {
    const field = new Field(store);
    field.worker = (await store.get<Worker>("worker")) ?? null;
    field.#tasks = (await store.get<Task[]>("tasks")) ?? [];
    field.messages = (await store.get<Message[]>("messages")) ?? [];
    field.sent = (await store.get<Sent[]>("sent")) ?? [];
    field.#setClasses((await store.get<CaseClass[]>("classes")) ?? []);
    field.entries = await store.entries();
    window.setInterval(() => void field.refresh(), REFRESH_MS);
    return field;
  }

  get net(): Net {
    return this.#sender.net;
  }

  get tasks(): Shown[] {
    return tasksAsDone(this.#tasks, this.entries);
  }

  get onDuty(): boolean {
    return dutyAsDone(this.worker, this.entries);
  }

  /** What was done and is not sent; positions, which go by themselves, are not counted. */
  get waiting(): Entry[] {
    return this.entries.filter(({ state, deed }) => state === "waiting" && deed?.do !== "positions");
  }

  get refused(): Entry[] {
    return this.entries.filter(({ state }) => state === "refused");
  }

  get unread(): number {
    return this.messages.filter(({ read_at }) => read_at === null).length;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #reread(): Promise<void> {
    this.entries = await this.store.entries();
    this.#tell();
  }

  #wasSent(sent: readonly Sent[]): void {
    const told = sent.filter(({ entry }) => entry.deed?.do !== "positions");
    this.sent = [...told.toReversed(), ...this.sent].slice(0, MOST_SENT);
    void this.store.put("sent", this.sent);
    if (told.length > 0) void this.refresh();
  }

  kick(): void {
    this.#sender.kick();
  }

  signedIn(): void {
    this.#sender.signedIn();
    void this.refresh();
  }

  /** Fetches anew what the server knows; without an answer all stays as it was. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#fetch().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #fetch(): Promise<void> {
    try {
      const [worker, tasks, messages] = await Promise.all([
        call<Worker>("GET", "/field/me"),
        call<Items<Task>>("GET", "/tasks"),
        call<Items<Message>>("GET", "/inbox?limit=100"),
      ]);
      this.worker = worker;
      this.#tasks = tasks.items;
      this.messages = messages.items;
      await this.store.put("worker", worker);
      await this.store.put("tasks", this.#tasks);
      await this.store.put("messages", this.messages);
      if (this.classes.size === 0) {
        const { items } = await call<Items<CaseClass>>("GET", "/case-classes");
        this.#setClasses(items);
        await this.store.put("classes", items);
      }
      await this.#reread(); // another page of this browser may have sent what waited
      if (this.net === "offline") this.kick();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#sender.signedOut();
      else if (error instanceof Away) this.#sender.away();
      else if (!(error instanceof ApiError)) throw error;
    }
  }

  #setClasses(items: readonly CaseClass[]): void {
    this.classes = new Map(items.map((one) => [one.code, one]));
  }

  /** Does something: it is on the disk when this settles, and goes out as soon as it can. */
  async #add(entries: readonly NewEntry[], bytes?: ReadonlyMap<string, ArrayBuffer>): Promise<void> {
    try {
      await this.store.add(entries, bytes);
    } catch (error) {
      notify("field.not_kept", "field.understood");
      throw error;
    }
    await this.#reread();
    this.kick();
  }

  do(deed: Deed, task?: Task): Promise<void> {
    const of = task ? { task: task.id, number: task.number, class: task.class } : {};
    return this.#add([{ deed, ...of }]);
  }

  attach(task: Task, kind: "before" | "after" | "voice", { bytes, media_type }: Photo): Promise<void> {
    const id = crypto.randomUUID();
    const upload = { kind, media_type, size: bytes.byteLength, case: task.case, report: null };
    return this.#add([{ id, upload, task: task.id, number: task.number, class: task.class }], new Map([[id, bytes]]));
  }

  report(class_: string, position: LonLat, text: string, photos: readonly Photo[], voice: Photo | null): Promise<void> {
    const report = crypto.randomUUID();
    const bytes = new Map<string, ArrayBuffer>();
    const upload = (kind: "report" | "voice", one: Photo): NewEntry => {
      const id = crypto.randomUUID();
      bytes.set(id, one.bytes);
      const size = one.bytes.byteLength;
      return { id, class: class_, upload: { kind, media_type: one.media_type, size, case: null, report } };
    };
    const deed: Deed = { do: "report", class: class_, position, text };
    const parts = [...photos.map((one) => upload("report", one)), ...(voice ? [upload("voice", voice)] : [])];
    return this.#add([{ id: report, deed, class: class_ }, ...parts], bytes);
  }

  present(rollCall: string): Promise<void> {
    return this.#add([{ rollCall }]);
  }

  /** Adds a place to those that wait at the end; they go as one item while it has not been sent. */
  async place(here: Here): Promise<void> {
    const last = (await this.store.entries()).at(-1);
    let isAdded = false;
    await this.store.change(({ order, tried, deed }) => {
      if (order !== last?.order || tried || deed?.do !== "positions" || deed.items.length >= MOST_PLACES) return null;
      isAdded = true;
      return { deed: { do: "positions", items: [...deed.items, here] } };
    });
    if (isAdded) this.kick();
    else await this.#add([{ deed: { do: "positions", items: [here] } }]);
  }

  /** Takes back what waits or was refused; a report goes with its photos. */
  async drop(entry: Entry): Promise<void> {
    const gone = this.entries.filter(({ id, upload }) => id === entry.id || upload?.report === entry.id);
    await this.store.remove(gone);
    await this.#reread();
  }

  /** Does anew what was refused: another thing for the server, under another id, with another text if given. */
  async again(entry: Entry, text?: string): Promise<void> {
    const id = crypto.randomUUID();
    const bytes = await this.store.bytes(entry.id);
    const { deed } = entry;
    const said = text !== undefined && deed && "text" in deed ? { ...deed, text } : deed;
    const fresh: NewEntry = { ...blankOf(entry), id, deed: said };
    await this.store.add([fresh], bytes ? new Map([[id, bytes]]) : new Map());
    await this.store.change(({ upload }) => (upload?.report === entry.id ? { upload: { ...upload, report: id } } : null));
    await this.store.remove([entry]);
    await this.#reread();
    this.kick();
  }

  /** Turns what was refused for a task into a report of its own, at the task's place or here. */
  async asReport(entry: Entry, position: LonLat): Promise<void> {
    const text = entry.deed && "text" in entry.deed ? entry.deed.text : "";
    await this.report(entry.class, position, `${entry.number}: ${text}`, [], null);
    await this.drop(entry);
  }

  async readAll(): Promise<void> {
    const newest = this.messages[0];
    if (!newest || this.unread === 0) return;
    try {
      await call("POST", "/inbox/read", { up_to: newest.id });
      const read_at = new Date().toISOString();
      this.messages = this.messages.map((one) => ({ ...one, read_at: one.read_at ?? read_at }));
      await this.store.put("messages", this.messages);
      this.#tell();
    } catch (error) {
      if (!(error instanceof Away) && !(error instanceof ApiError)) throw error;
    }
  }

  /** The streets around a place, from the network or as kept; null where neither has them. */
  async streets(around: LonLat | null): Promise<StreetMap | null> {
    const kept = await this.store.get<StreetMap>("streets");
    const isNear = !around || (kept?.center && distance_m(kept.center, around) < STREETS_M - STREETS_EDGE_M);
    if (kept?.center && isNear) return kept;
    try {
      const place = around ? `lon=${around[0]}&lat=${around[1]}&` : "";
      const found = await call<StreetMap>("GET", `/public/streets?${place}radius_m=${STREETS_M}`);
      if (found.center) await this.store.put("streets", found);
      return found;
    } catch (error) {
      if (error instanceof Away || error instanceof ApiError) return kept ?? null;
      throw error;
    }
  }
}

function blankOf({ task, number, class: class_, upload, rollCall }: Entry): NewEntry {
  return { task, number, class: class_, upload, rollCall };
}
