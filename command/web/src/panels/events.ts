/** What happened, latest first, what still lasts above what has ended. */
import { offerCameras, placeOf } from "../cameras/near";
import type { CaseMaker } from "../cases/making";
import type { City } from "../city";
import { age_s } from "../clock";
import type { TrafficEvent } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, said, t, term, timeOfDay } from "../i18n";
import { nameOf } from "./pin";
import type { Part, Selection } from "./situation";

const MOST = 80;

export class EventList implements Part {
  readonly #list = h("ul", { class: "event-list" });
  readonly #none = said("p", "empty", "events.none");
  readonly element = h("section", { class: "part" }, this.#none, this.#list);
  readonly #city: City;
  readonly #select: (selection: Selection) => void;
  readonly #maker: CaseMaker;

  constructor(city: City, select: (selection: Selection) => void, maker: CaseMaker) {
    this.#city = city;
    this.#maker = maker;
    this.#select = select;
  }

  /** Open events that are more than information. */
  count(): number {
    return [...this.#city.events.values()].filter(({ end_at, severity }) => !end_at && severity !== "info").length;
  }

  refresh(): void {
    const events = [...this.#city.events.values()].toSorted(order).slice(0, MOST);
    attribute(this.#none, "hidden", events.length > 0);
    keyed(this.#list, events, ({ event }) => event, () => this.#make(), (element, event) => this.#update(element, event));
  }

  #make(): HTMLLIElement {
    const parts = ["event-kind", "event-place", "event-detail"].map((name) => h("span", { class: name }));
    const body = h("span", { class: "event-body" }, ...parts);
    const mark = h("span", { class: "event-mark", role: "img" });
    const head = h("button", { type: "button", class: "event" }, mark, body, h("time", { class: "event-age" }));
    return h("li", {}, head, h("div", { class: "near-cameras" }), h("div", { class: "alarm-deeds" }, this.#maker.button()));
  }

  #update(element: HTMLLIElement, event: TrafficEvent): void {
    const button = element.firstElementChild as HTMLButtonElement;
    const target = selectionOf(event);
    attribute(button, "data-severity", event.severity);
    attribute(button, "data-ended", event.end_at !== null);
    button.disabled = target === null;
    button.onclick = () => this.#select(target);
    const [mark, body, when] = [...button.children] as [HTMLElement, HTMLElement, HTMLElement];
    attribute(mark, "aria-label", t(`severity.${event.severity}`));
    const [kind, place, detail] = [...body.children] as [HTMLElement, HTMLElement, HTMLElement];
    text(kind, term("event", event.kind));
    text(place, this.#place(event));
    text(detail, event.detail);
    text(when, event.end_at ? t("events.ended") : age(age_s(event.start_at)));
    attribute(when, "title", timeOfDay(event.start_at));
    attribute(when, "datetime", event.start_at);
    const near = element.querySelector(".near-cameras") as HTMLElement;
    if (event.end_at === null && !this.#city.isPast) offerCameras(near, this.#city, placeOf(this.#city, event), event.event, this.#select);
    else attribute(near, "hidden", true);
    const make = element.querySelector<HTMLButtonElement>('[data-deed="case"]');
    if (!make) return;
    this.#maker.writeEvent(make, event);
    // What only informs is nobody's task.
    attribute(make, "hidden", event.severity === "info" && !make.hasAttribute("data-known"));
  }

  #place({ intersection, camera, lane }: TrafficEvent): string {
    const where = [
      intersection && t("intersection.title", { name: nameOf(this.#city, intersection) }),
      camera && t("camera.title", { name: camera }),
      lane && `${t("table.lane")} ${lane}`,
    ];
    return where.filter(Boolean).join(" · ");
  }
}

function order(a: TrafficEvent, b: TrafficEvent): number {
  if ((a.end_at === null) !== (b.end_at === null)) return a.end_at === null ? -1 : 1;
  return Date.parse(b.start_at) - Date.parse(a.start_at);
}

function selectionOf({ event, intersection, camera }: TrafficEvent): Selection {
  if (intersection) return { kind: "intersection", id: intersection };
  return camera ? { kind: "camera", id: camera, why: { purpose: "event", event } } : null;
}
