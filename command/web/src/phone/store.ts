/** What this device keeps for one account, in a database of its own: what waits to be sent, and what was last known. */
import type { AttachmentKind, Deed, Outcome } from "./contract";

export interface Upload {
  kind: AttachmentKind;
  media_type: string;
  size: number;
  /** Null until the report that it belongs to has become a case. */
  case: string | null;
  report: string | null;
}

/** One thing that was done here; entries are sent in order of `order`, each under its own `id`. */
export interface Entry {
  order: number;
  id: string;
  at: string;
  deed: Deed | null;
  upload: Upload | null;
  /** The roll-call that is answered. */
  rollCall: string | null;
  task: string | null;
  /** For people: the case's number, and the code of its class. */
  number: string;
  class: string;
  state: "waiting" | "refused";
  /** Whether it was ever under way: then the server may know it, and it must not change. */
  tried: boolean;
  outcome: Outcome | null;
  message: string;
}

export type NewEntry = Partial<Omit<Entry, "order">>;

const PREFIX = "citybrain-phone-";
const ENTRIES = "entries";
const BYTES = "bytes";
const KEPT = "kept";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Store {
  readonly account: string;
  readonly #database: IDBDatabase;

  private constructor(account: string, database: IDBDatabase) {
    this.account = account;
    this.#database = database;
  }

  static async open(account: string): Promise<Store> {
    const request = indexedDB.open(PREFIX + account, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ENTRIES, { keyPath: "order", autoIncrement: true });
      request.result.createObjectStore(BYTES);
      request.result.createObjectStore(KEPT);
    };
    const database = await settled(request);
    // Another page that signs out must not wait for this one.
    database.onversionchange = () => database.close();
    return new Store(account, database);
  }

  /** Whether anything waits here for an account that is not signed in. */
  static async waiting(account: string): Promise<number> {
    const store = await Store.open(account);
    const entries = await store.entries();
    store.#database.close();
    return entries.length;
  }

  /** One transaction; settles when it is on the disk. */
  #within<T>(names: string[], job: (store: (name: string) => IDBObjectStore) => Promise<T> | T): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(names, "readwrite", { durability: "strict" });
      let result: T;
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = () => reject(transaction.error ?? new Error("the device's storage refused"));
      Promise.resolve(job((name) => transaction.objectStore(name))).then(
        (value) => (result = value),
        () => transaction.error ?? transaction.abort(),
      );
    });
  }

  async get<T>(key: string): Promise<T | undefined> {
    return settled<T>(this.#database.transaction(KEPT).objectStore(KEPT).get(key));
  }

  put(key: string, value: unknown): Promise<void> {
    return this.#within([KEPT], (store) => void (value === undefined ? store(KEPT).delete(key) : store(KEPT).put(value, key)));
  }

  entries(): Promise<Entry[]> {
    return settled(this.#database.transaction(ENTRIES).objectStore(ENTRIES).getAll() as IDBRequest<Entry[]>);
  }

  bytes(id: string): Promise<ArrayBuffer | undefined> {
    return settled(this.#database.transaction(BYTES).objectStore(BYTES).get(id) as IDBRequest<ArrayBuffer | undefined>);
  }

  /** Adds to the end, all or nothing. */
  add(entries: readonly NewEntry[], bytes: ReadonlyMap<string, ArrayBuffer> = new Map()): Promise<void> {
    return this.#within([ENTRIES, BYTES], (store) => {
      for (const entry of entries) store(ENTRIES).add({ ...blank(), ...entry });
      for (const [id, content] of bytes) store(BYTES).put(content, id);
    });
  }

  /** Writes the fields that `change` returns into every entry that it returns some for. */
  change(change: (entry: Entry) => Partial<Entry> | null): Promise<void> {
    return this.#within([ENTRIES], async (store) => {
      for (const entry of await settled(store(ENTRIES).getAll() as IDBRequest<Entry[]>)) {
        const fields = change(entry);
        if (fields) store(ENTRIES).put({ ...entry, ...fields });
      }
    });
  }

  remove(entries: readonly Entry[]): Promise<void> {
    return this.#within([ENTRIES, BYTES], (store) => {
      for (const { order, id } of entries) {
        store(ENTRIES).delete(order);
        store(BYTES).delete(id);
      }
    });
  }

  /** Deletes what was known, and leaves what waits to be sent. */
  forget(): Promise<void> {
    return this.#within([KEPT], (store) => void store(KEPT).clear());
  }

  /** Deletes all of it. */
  async destroy(): Promise<void> {
    this.#database.close();
    await settled(indexedDB.deleteDatabase(PREFIX + this.account));
  }
}

function blank(): Omit<Entry, "order"> {
  return {
    id: crypto.randomUUID(), at: new Date().toISOString(), deed: null, upload: null, rollCall: null, task: null,
    number: "", class: "", state: "waiting", tried: false, outcome: null, message: "",
  }; // prettier-ignore
}
