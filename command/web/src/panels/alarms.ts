/** Alarms beside the map: what needs somebody first, and what one does about it. */
import { offerCameras, placeOf } from "../cameras/near";
import type { CaseMaker } from "../cases/making";
import type { City } from "../city";
import { age_s, now_ms } from "../clock";
import type { Alarm } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, localText, said, t, term, timeOfDay, type Key } from "../i18n";
import { may, send, who } from "../session/session";
import { nameOf } from "./pin";
import type { Part, Selection } from "./situation";

const SNOOZE_MIN = 15;
const RANK = { critical: 0, warning: 1, info: 2 };

type Deed = "acknowledgement" | "closure" | "snooze" | "assignee";

export class AlarmList implements Part {
  readonly #list = h("ul", { class: "alarm-list" });
  readonly #none = said("p", "empty", "alarms.none");
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly element = h("section", { class: "part" }, this.#problem, this.#none, this.#list);
  readonly #city: City;
  readonly #select: (selection: Selection) => void;
  readonly #maker: CaseMaker;

  constructor(city: City, select: (selection: Selection) => void, maker: CaseMaker) {
    this.#city = city;
    this.#maker = maker;
    this.#select = select;
  }

  /** Open alarms that are not put aside. */
  count(): number {
    return [...this.#city.alarms.values()].filter((alarm) => alarm.state === "open" && !isSnoozed(alarm)).length;
  }

  refresh(): void {
    const alarms = [...this.#city.alarms.values()].toSorted(order);
    attribute(this.#none, "hidden", alarms.length > 0);
    keyed(this.#list, alarms, ({ id }) => id, (alarm) => this.#make(alarm), (element, alarm) => this.#update(element, alarm));
  }

  #make({ id }: Alarm): HTMLLIElement {
    const parts = ["event-kind", "event-place", "event-detail", "alarm-state"].map((name) => h("span", { class: name }));
    const body = h("span", { class: "event-body" }, ...parts);
    const mark = h("span", { class: "event-mark", role: "img" });
    const head = h("button", { type: "button", class: "event" }, mark, body, h("time", { class: "event-age" }));
    const deeds = may("handle_alarms") ? this.#deeds(id) : h("div", { class: "alarm-deeds" }, this.#maker.button());
    return h("li", { class: "alarm" }, head, h("div", { class: "near-cameras" }), deeds);
  }

  #deeds(id: string): HTMLElement {
    const deed = (name: Deed, label: Key, method: string, body?: () => unknown) => {
      const act = () => void this.#do(id, method, name, body?.());
      return localText(h("button", { type: "button", class: "deed", "data-deed": name, click: act }), label);
    };
    const comment = h("input", { class: "field-input alarm-comment", type: "text", maxlength: 2000, "aria-label": t("alarms.comment") });
    attribute(comment, "placeholder", t("alarms.comment"));
    const form = h("form", { class: "alarm-say" }, comment);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const said_ = comment.value.trim();
      if (said_) void this.#do(id, "POST", "comments", { text: said_ }).then(() => (comment.value = ""));
    });
    return h(
      "div",
      { class: "alarm-deeds" },
      deed("acknowledgement", "alarms.acknowledge", "POST"),
      deed("assignee", "alarms.take", "PUT", () => ({ to: who()?.name ?? null })),
      deed("snooze", "alarms.snooze", "POST", () => ({ minutes: SNOOZE_MIN })),
      deed("closure", "alarms.close", "POST"),
      this.#maker.button(),
      form,
    );
  }

  async #do(id: string, method: string, deed: string, body?: unknown): Promise<void> {
    try {
      const alarm = await send<Alarm>(method, `/alarms/${encodeURIComponent(id)}/${deed}`, body);
      if (alarm) this.#city.takeAlarms([alarm]);
      text(this.#problem, "");
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
    this.refresh();
  }

  #update(element: HTMLLIElement, alarm: Alarm): void {
    const head = element.firstElementChild as HTMLButtonElement;
    const target = selectionOf(alarm);
    attribute(element, "data-state", alarm.state);
    attribute(element, "data-snoozed", isSnoozed(alarm));
    attribute(head, "data-severity", alarm.severity);
    head.disabled = target === null;
    head.onclick = () => this.#select(target);
    const [mark, body, when] = [...head.children] as [HTMLElement, HTMLElement, HTMLElement];
    attribute(mark, "aria-label", t(`severity.${alarm.severity}`));
    const [kind, place, detail, state] = [...body.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
    text(kind, alarm.events > 1 ? `${term("event", alarm.kind)} × ${alarm.events}` : term("event", alarm.kind));
    text(place, this.#place(alarm));
    text(detail, alarm.detail);
    text(state, stateOf(alarm));
    text(when, alarm.ended_at ? t("events.ended") : age(age_s(alarm.raised_at)));
    attribute(when, "title", timeOfDay(alarm.raised_at));
    const near = element.querySelector(".near-cameras");
    if (near && !this.#city.isPast) offerCameras(near, this.#city, placeOf(this.#city, alarm), alarm.id, this.#select);
    const make = element.querySelector<HTMLButtonElement>('[data-deed="case"]');
    if (make) this.#maker.writeAlarm(make, alarm);
    const usable: Record<Deed, boolean> = {
      acknowledgement: alarm.state === "open",
      assignee: alarm.assigned_to !== who()?.name,
      snooze: alarm.state === "open" && !isSnoozed(alarm),
      closure: alarm.state === "acknowledged",
    };
    for (const [deed, isUsable] of Object.entries(usable)) {
      const button = element.querySelector(`[data-deed="${deed}"]`);
      if (button) attribute(button, "hidden", !isUsable);
    }
  }

  #place({ intersection, camera, device }: Alarm): string {
    if (intersection) return nameOf(this.#city, intersection);
    return camera ? t("camera.title", { name: camera }) : device;
  }
}

function stateOf(alarm: Alarm): string {
  const told: string[] = [];
  if (alarm.level > 0) told.push(t("alarms.escalated", { n: alarm.level }));
  if (alarm.acknowledged_by && alarm.acknowledged_at) {
    told.push(t("alarms.acknowledged", { name: alarm.acknowledged_by, at: timeOfDay(alarm.acknowledged_at) }));
  }
  if (alarm.assigned_to) told.push(t("alarms.assigned", { name: alarm.assigned_to }));
  if (isSnoozed(alarm) && alarm.snoozed_until) told.push(t("alarms.snoozed", { at: timeOfDay(alarm.snoozed_until) }));
  return told.join(" · ");
}

const isSnoozed = ({ snoozed_until }: Alarm): boolean => snoozed_until !== null && Date.parse(snoozed_until) > now_ms();

/** Open before acknowledged before put aside, then the worse, then the newer. */
function order(a: Alarm, b: Alarm): number {
  const place = (alarm: Alarm) => (isSnoozed(alarm) ? 2 : alarm.state === "open" ? 0 : 1);
  return place(a) - place(b) || RANK[a.severity] - RANK[b.severity] || Date.parse(b.raised_at) - Date.parse(a.raised_at);
}

function selectionOf({ id: event, intersection, camera }: Alarm): Selection {
  if (intersection) return { kind: "intersection", id: intersection };
  return camera ? { kind: "camera", id: camera, why: { purpose: "event", event } } : null;
}
