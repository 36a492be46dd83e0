/** Messages as they come, by the inbox's stream; with the page out of sight, as notifications of the device. */
import { BASE } from "../api";
import { t, type Key } from "../i18n";
import type { Message } from "./contract";
import type { Field } from "./field";

const REOPEN_MS = 5_000;
const KINDS: Record<string, Key> = {
  "task.offered": "field.message.task.offered",
  "task.withdrawn": "field.message.task.withdrawn",
  "case.reminder": "field.message.case.reminder",
  "case.escalated": "field.message.case.escalated",
  "worker.silent": "field.message.worker.silent",
  roll_call: "field.message.roll_call",
  note: "field.message.note",
};

/** What a message says, without anything of the case itself. */
export function headline({ kind, text }: Message): string {
  const key = KINDS[kind];
  if (key === "field.message.task.offered") return t(key, { kind: t(`field.kind.${text}` as Key) });
  return key ? t(key) : t("field.message.other");
}

export class Alerts {
  readonly #field: Field;
  #source: EventSource | null = null;

  constructor(field: Field) {
    this.#field = field;
    window.addEventListener("online", () => this.open());
    window.addEventListener("offline", () => this.close());
  }

  open(): void {
    this.close();
    const source = new EventSource(`${BASE}/inbox/stream`);
    this.#source = source;
    source.addEventListener("inbox", ({ data }: MessageEvent<string>) => this.#came(JSON.parse(data) as Message));
    source.addEventListener("reset", () => void this.#field.refresh());
    source.onopen = () => this.#field.kick();
    source.onerror = () => {
      // After an answer other than 200 the browser does not try again by itself.
      if (source.readyState !== EventSource.CLOSED) return;
      void this.#field.refresh();
      window.setTimeout(() => this.#reopen(source), REOPEN_MS);
    };
  }

  #reopen(source: EventSource): void {
    if (this.#source !== source || !navigator.onLine) return;
    if (this.#field.net === "online" || this.#field.net === "sending") this.open();
    else window.setTimeout(() => this.#reopen(source), REOPEN_MS);
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
  }

  #came(message: Message): void {
    void this.#field.refresh();
    navigator.vibrate?.(200);
    if (document.visibilityState === "visible") return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    void navigator.serviceWorker?.ready.then((worker) =>
      worker.showNotification(t("field.title"), { body: headline(message), tag: String(message.id), icon: "/assets/phone-192.png" }),
    );
  }
}
