/** The sheet that a shift hands over: what stands, what happened, who took note, who is silent; made to be printed. */
import { get } from "../api";
import type { Agent, Alarm } from "../contract";
import { attribute, h, text } from "../dom";
import { dayAndTime, localLabel, number, said, t, term, timeOfDay, type Key } from "../i18n";
import { who } from "../session/session";
import { onSettings } from "../settings";
import { picked, whenField } from "./period";
import type { Page } from "./pages";

const SHIFT_MS = 8 * 3_600_000;

interface ShiftAlarm {
  kind: string;
  severity: string;
  state: Alarm["state"];
  raised_at: string;
  events: number;
  intersection: string | null;
  camera: string | null;
  device: string;
  detail: string;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  closed_at: string | null;
}

interface Sheet {
  start: string;
  to: string;
  standing: Alarm[];
  raised: ShiftAlarm[];
  events: { kind: string; severity: string; number: number; lasting: number }[];
  done: { at: string; actor: string | null; what: string; text: string; kind: string; place: string }[];
  silent: Agent[];
  uncommanded: string[];
}

export class ShiftPage implements Page {
  readonly #from = whenField("figures.from");
  readonly #to = whenField("figures.to");
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #sheet = h("div", { class: "sheet" });
  readonly element: HTMLElement;
  #found: Sheet | null = null;
  #asked = false;

  constructor() {
    this.#from.input.value = picked(Date.now() - SHIFT_MS);
    this.#to.input.value = picked(Date.now() + 60_000);
    const show = said("button", "primary", "figures.show");
    attribute(show, "type", "submit");
    const print = said("button", "secondary", "shift.print");
    attribute(print, "type", "button");
    print.addEventListener("click", () => window.print());
    const form = h("form", { class: "page-bar" }, this.#from.element, this.#to.element, show, print);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#fetch();
    });
    this.element = localLabel(h("section", { class: "page shift", tabindex: -1 }, form, this.#problem, this.#sheet), "shift.label");
    onSettings((_, changed) => changed === "language" && this.#draw());
  }

  refresh(): void {
    if (this.#asked) return;
    this.#asked = true;
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    try {
      this.#found = await get<Sheet>(`/shift?${new URLSearchParams({ from: this.#from.iso(), to: this.#to.iso() })}`);
      text(this.#problem, "");
    } catch (error) {
      this.#found = null;
      text(this.#problem, (error as Error).message);
    }
    this.#draw();
  }

  #draw(): void {
    const sheet = this.#found;
    if (!sheet) return this.#sheet.replaceChildren();
    const noted = sheet.raised.filter(({ acknowledged_at }) => acknowledged_at !== null);
    const waits_s = noted.map(({ raised_at, acknowledged_at }) => (Date.parse(acknowledged_at ?? raised_at) - Date.parse(raised_at)) / 1000).toSorted((a, b) => a - b);
    const median = waits_s.length > 0 ? `${number(waits_s[Math.floor(waits_s.length / 2)])} ${t("unit.s")}` : "–";
    const facts = [
      t("shift.facts.raised", { n: sheet.raised.length }), t("shift.facts.noted", { n: noted.length, wait: median }),
      t("shift.facts.standing", { n: sheet.standing.length }), t("shift.facts.silent", { n: sheet.silent.length }),
    ]; // prettier-ignore
    this.#sheet.replaceChildren(
      h("section", { class: "card" },
        h("h2", {}, t("shift.title", { from: dayAndTime(sheet.start), to: dayAndTime(sheet.to) })),
        h("p", { class: "sheet-facts" }, ...facts.map((fact) => h("span", {}, fact)))),
      this.#table("shift.standing", ["shift.alarm", "shift.where", "shift.since", "shift.noted", "shift.for"], sheet.standing.map((alarm) => [
        named(alarm.kind, alarm.events), place(alarm), dayAndTime(alarm.raised_at), notedBy(alarm.acknowledged_by, alarm.acknowledged_at), alarm.assigned_to ?? "–",
      ])),
      this.#table("shift.raised", ["shift.alarm", "shift.where", "shift.at", "shift.noted", "shift.closed"], sheet.raised.map((alarm) => [
        named(alarm.kind, alarm.events), place(alarm), timeOfDay(alarm.raised_at), notedBy(alarm.acknowledged_by, alarm.acknowledged_at), alarm.closed_at ? timeOfDay(alarm.closed_at) : "–",
      ])),
      h("div", { class: "sheet-columns" },
        this.#table("shift.events", ["shift.event", "shift.number", "shift.lasting"], sheet.events.map((event) => [term("event", event.kind), number(event.number), number(event.lasting)])),
        this.#list("shift.silent", sheet.silent.map(({ device, health, detail }) => [device, term("health", health), detail].filter(Boolean).join(" · "))),
        this.#list("shift.uncommanded", sheet.uncommanded)),
      this.#table("shift.done", ["shift.at", "shift.who", "shift.what", "shift.alarm", "shift.where"], sheet.done.filter(({ actor, what }) => actor !== null || what === "escalated").map((one) => [
        timeOfDay(one.at), one.actor ?? t("shift.system"), [term("deed", one.what), one.text].filter(Boolean).join(": "), term("event", one.kind), one.place,
      ])),
      h("div", { class: "sheet-sign" }, h("p", {}, t("shift.handed", { name: who()?.name ?? "" })), h("p", {}, t("shift.taken"))),
    ); // prettier-ignore
  }

  #table(title: Key, heads: Key[], rows: string[][]): HTMLElement {
    const head = h("tr", {}, ...heads.map((name) => h("th", { scope: "col", class: "words" }, t(name))));
    const body = rows.map(([first = "", ...rest]) => h("tr", {}, h("th", { scope: "row", class: "words" }, first), ...rest.map((cell) => h("td", { class: "words" }, cell))));
    const table = h("table", { class: "figures-twin" }, h("thead", {}, head), h("tbody", {}, ...body));
    return h("section", { class: "card" }, h("h2", {}, t(title)), rows.length > 0 ? table : h("p", { class: "facts" }, t("shift.none")));
  }

  #list(title: Key, items: string[]): HTMLElement {
    const list = h("ul", { class: "sheet-list" }, ...items.map((item) => h("li", {}, item)));
    return h("section", { class: "card" }, h("h2", {}, t(title)), items.length > 0 ? list : h("p", { class: "facts" }, t("shift.none")));
  }
}

const named = (kind: string, events: number): string => (events > 1 ? `${term("event", kind)} × ${events}` : term("event", kind));
const place = ({ intersection, camera, device }: { intersection: string | null; camera: string | null; device: string }): string =>
  intersection ?? camera ?? device;
const notedBy = (name: string | null, at: string | null): string => (name && at ? t("alarms.acknowledged", { name, at: timeOfDay(at) }) : t("shift.nobody"));
