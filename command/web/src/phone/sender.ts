/**
 * Sends what waits: in order, each thing once, from where it broke off.
 *
 * The server knows every item and upload by the id that was made here, so that sending again after a broken answer
 * changes nothing there. What the server refuses stays here, with its reason, until its worker decides.
 */
import { ApiError } from "../api";
import { askMe } from "../session/session";
import { Away, call } from "./calls";
import type { ItemAnswer, Outcome, Progress } from "./contract";
import type { Entry, Store } from "./store";

export type Net = "online" | "sending" | "offline" | "signed-out";

export interface Sent {
  at: string;
  entry: Entry;
  number: string;
}

const MOST_ITEMS = 200;
/** A weak network loses at most this much of a photo. */
const PIECE_BYTES = 256 * 1024;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;
const LOCK = "citybrain-phone-sending";
const OUTCOMES: Record<number, Outcome> = { 404: "gone", 409: "conflict", 403: "conflict" };

class SignedOut extends Error {}

export class Sender {
  net: Net = "online";
  readonly #store: Store;
  readonly #changed: () => void;
  readonly #sent: (sent: Sent[]) => void;
  #isKnown = false;
  #running = false;
  #again = false;
  #timer: number | null = null;
  #wait_ms = FIRST_WAIT_MS;

  /** `changed` is called whenever something waits no more or the network's state changes. */
  constructor(store: Store, changed: () => void, sent: (sent: Sent[]) => void) {
    this.#store = store;
    this.#changed = changed;
    this.#sent = sent;
    window.addEventListener("online", () => this.kick());
    window.addEventListener("offline", () => this.#become("offline"));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.kick());
  }

  /** Sends soon; also asks whether the server is there. */
  kick(): void {
    this.#wait_ms = FIRST_WAIT_MS;
    void this.#run();
  }

  /** After signing in again. */
  signedIn(): void {
    this.#isKnown = true;
    this.kick();
  }

  /** Somebody else noticed that nobody answers: asked again until it does. */
  away(): void {
    if (!this.#running && this.net !== "signed-out") this.#later();
  }

  /** The server said that nobody is signed in. */
  signedOut(): void {
    this.#isKnown = false;
    this.#become("signed-out");
  }

  #become(net: Net): void {
    if (this.net === net) return;
    this.net = net;
    this.#changed();
  }

  async #run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      do {
        this.#again = false;
        await alone(() => this.#flush());
      } while (this.#again);
      this.#become("online");
    } catch (error) {
      if (error instanceof SignedOut) this.#become("signed-out");
      else this.#later();
      if (!(error instanceof SignedOut || error instanceof Away)) throw error;
    } finally {
      this.#running = false;
    }
  }

  #later(): void {
    this.#become("offline");
    this.#isKnown = false; // only an answer shows that there is a network again
    if (this.#timer !== null) window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#run(), this.#wait_ms);
    this.#wait_ms = Math.min(LONGEST_WAIT_MS, this.#wait_ms * 2);
  }

  async #flush(): Promise<void> {
    await this.#know();
    for (;;) {
      const due = (await this.#store.entries()).filter(isSendable);
      const [head] = due;
      if (!head) return;
      this.#become("sending");
      if (head.deed) await this.#batch(due);
      else await this.#one(head, () => (head.upload ? this.#upload(head) : this.#presence(head)));
      this.#changed();
    }
  }

  /** Who is signed in here; the token for changes comes with it. */
  async #know(): Promise<void> {
    if (!navigator.onLine) throw new Away("no network");
    if (this.#isKnown) return;
    const me = await answered(askMe());
    if (!me) throw new SignedOut();
    if (me.id !== this.#store.account) return location.reload(); // another page signed in somebody else
    this.#isKnown = true;
  }

  async #batch(due: readonly Entry[]): Promise<void> {
    const end = due.findIndex(({ deed }) => !deed);
    const run = due.slice(0, Math.min(end < 0 ? due.length : end, MOST_ITEMS));
    const ids = new Set(run.map(({ id }) => id));
    await this.#store.change((entry) => (ids.has(entry.id) && !entry.tried ? { tried: true } : null));
    // What was added to until this moment is sent as it now stands.
    const entries = (await this.#store.entries()).filter(({ id }) => ids.has(id));
    try {
      const items = entries.map(({ id, at, deed }) => ({ ...deed, id, at }));
      const answers = await this.#asked(() => call<{ items: ItemAnswer[] }>("POST", "/field/batch", { items }));
      await this.#settle(entries, answers.items);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const [only] = entries;
      // One item that the server cannot read must not hold up the others.
      if (entries.length > 1) for (const entry of entries) await this.#batch([entry]);
      else if (only) await this.#refuse(only, error);
    }
  }

  async #settle(entries: readonly Entry[], answers: readonly ItemAnswer[]): Promise<void> {
    const byId = new Map(answers.map((answer) => [answer.id, answer]));
    const done = entries.filter(({ id }) => byId.get(id)?.outcome === "done");
    await this.#store.change(({ id, upload }) => {
      const answer = byId.get(id);
      if (answer && answer.outcome !== "done") {
        return { state: "refused", outcome: answer.outcome, message: answer.message };
      }
      const report = upload?.report ? byId.get(upload.report) : undefined;
      return upload && report?.case ? { upload: { ...upload, case: report.case }, number: report.number ?? "" } : null;
    });
    await this.#finish(done, (entry) => byId.get(entry.id)?.number ?? entry.number);
  }

  async #finish(entries: readonly Entry[], number: (entry: Entry) => string): Promise<void> {
    await this.#store.remove(entries);
    const at = new Date().toISOString();
    this.#sent(entries.map((entry) => ({ at, entry, number: number(entry) })));
  }

  async #one(entry: Entry, send: () => Promise<void>): Promise<void> {
    try {
      await this.#asked(send);
      await this.#finish([entry], ({ number }) => number);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.#refuse(entry, error);
    }
  }

  async #upload({ id, upload }: Entry): Promise<void> {
    const bytes = await this.#store.bytes(id);
    if (!upload || !bytes) throw new ApiError(404, "this device has lost it");
    const { kind, media_type, size } = upload;
    let at = await call<Progress>("POST", "/uploads", { id, kind, media_type, size, case: upload.case });
    while (!at.done) {
      const piece = bytes.slice(at.received, at.received + PIECE_BYTES);
      at = await call<Progress>("PATCH", `/uploads/${id}?offset=${at.received}`, piece);
    }
  }

  async #presence({ rollCall }: Entry): Promise<void> {
    await call("POST", `/roll-calls/${rollCall}/presence`);
  }

  /** As asked; a session that is over, or whose token is old, is found out and the thing asked again. */
  async #asked<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error;
      this.#isKnown = false;
      await this.#know();
      return await send();
    }
  }

  async #refuse({ order }: Entry, { status, message }: ApiError): Promise<void> {
    const outcome = OUTCOMES[status] ?? "invalid";
    await this.#store.change((entry) => (entry.order === order ? { state: "refused", outcome, message } : null));
  }
}

/** Photos of a report wait until it is a case. */
const isSendable = ({ state, upload }: Entry): boolean =>
  state === "waiting" && (!upload || upload.case !== null || upload.report === null);

/** Only one page of this browser sends. */
async function alone(job: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return job();
  await navigator.locks.request(LOCK, job);
}

async function answered<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw new Away((error as Error).message);
  }
}
