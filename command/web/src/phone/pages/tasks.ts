/** One's tasks: as a list by urgency or by distance, and on a map. */
import { attribute, h, keyed, text } from "../../dom";
import { distance_m } from "../../here";
import { localLabel, localText, said, t, type Key } from "../../i18n";
import type { Mark } from "../../map/small";
import { DutySwitch } from "../duty";
import type { Field } from "../field";
import { FieldMap } from "../fieldmap";
import { byUrgency, type Shown } from "../overlay";
import type { Page } from "../shell";
import type { Whereabouts } from "../whereabouts";
import { className, distanceText, dueText, isOverdue } from "../words";

type Order = "urgency" | "distance" | "map";
const ORDERS: [Order, Key][] = [
  ["urgency", "field.by_urgency"],
  ["distance", "field.by_distance"],
  ["map", "field.map"],
];
const TICK_MS = 15_000;

let order: Order = "urgency";

export function toneOf(task: Shown): string {
  if (task.finished) return "done";
  if (isOverdue(task.due_at) || task.severity === "high") return "bad";
  return task.state === "offered" ? "new" : "plain";
}

export class TasksPage implements Page {
  readonly element: HTMLElement;
  readonly title = "field.tasks";
  readonly #field: Field;
  readonly #whereabouts: Whereabouts;
  readonly #duty: DutySwitch;
  readonly #list = h("ul", { class: "rows" });
  readonly #none = said("p", "hint", "field.no_tasks");
  readonly #orders = localLabel(h("div", { class: "choice", role: "group" }), "field.order");
  readonly #map: FieldMap;
  readonly #stop: () => void;
  readonly #ticking: number;

  constructor(field: Field, whereabouts: Whereabouts) {
    this.#field = field;
    this.#whereabouts = whereabouts;
    this.#duty = new DutySwitch(field, whereabouts);
    this.#map = new FieldMap(field, whereabouts, () => this.#shown().map(markOf));
    for (const [value, label] of ORDERS) {
      this.#orders.append(localText(h("button", { type: "button", "data-value": value, click: () => this.#choose(value) }), label));
    }
    this.element = h("div", { class: "page" }, this.#duty.element, this.#orders, this.#none, this.#list, this.#map.element);
    this.#stop = whereabouts.follow(() => this.refresh());
    this.#ticking = window.setInterval(() => this.refresh(), TICK_MS);
    this.#choose(order);
  }

  leave(): void {
    this.#stop();
    window.clearInterval(this.#ticking);
    this.#map.close();
  }

  #choose(chosen: Order): void {
    const wasMap = order === "map" && this.element.dataset["map"] !== undefined;
    order = chosen;
    for (const button of this.#orders.children) {
      attribute(button, "aria-pressed", String((button as HTMLElement).dataset["value"] === chosen));
    }
    attribute(this.#map.element, "hidden", chosen !== "map");
    attribute(this.#list, "hidden", chosen === "map");
    attribute(this.element, "data-map", chosen === "map");
    if (chosen !== "map") this.#map.close();
    else if (!wasMap) void this.#map.open((map) => map.onMark((id) => (location.hash = `#/task/${id}`)));
    this.refresh();
  }

  #shown(): Shown[] {
    const here = this.#whereabouts.last;
    const tasks = this.#field.tasks.toSorted(byUrgency);
    if (order !== "distance" || !here) return tasks;
    const away = ({ position }: Shown) => distance_m(here.position, position);
    return tasks.sort((a, b) => away(a) - away(b));
  }

  refresh(): void {
    this.#duty.refresh();
    const tasks = this.#shown();
    attribute(this.#none, "hidden", tasks.length > 0);
    keyed(this.#list, tasks, ({ id }) => id, row, (element, task) => this.#write(element, task));
    this.#map.refresh();
  }

  #write(element: HTMLElement, task: Shown): void {
    const place = (name: string) => element.querySelector(`.row-${name}`) as HTMLElement;
    attribute(element, "data-tone", toneOf(task));
    text(place("kind"), t(`field.kind.${task.kind}`));
    text(place("title"), className(this.#field.classes.get(task.class), task.class));
    text(place("detail"), task.address || task.text || task.number);
    const here = this.#whereabouts.last;
    const facts = [dueText(task.due_at), here ? distanceText(distance_m(here.position, task.position)) : ""];
    text(place("facts"), facts.filter(Boolean).join(" · "));
    text(place("state"), stateText(task));
  }
}

export function stateText(task: Shown): string {
  if (task.refused > 0) return t("field.state.refused");
  if (task.finished) return t("field.state.finished");
  return t(task.state === "offered" ? "field.state.offered" : task.on_scene_at ? "field.state.on_scene" : "field.state.accepted");
}

function row(task: Shown): HTMLLIElement {
  const parts = ["kind", "title", "state", "detail", "facts"].map((name) => h("span", { class: `row-${name}` }));
  return h("li", { class: "row", "data-task": task.id }, h("a", { class: "row-link", href: `#/task/${task.id}` }, ...parts));
}

function markOf(task: Shown): Mark {
  const kind = t(`field.kind.${task.kind}`);
  return { id: task.id, position: task.position, kind: "task", tone: toneOf(task), label: `${kind} ${task.number}`, text: kind.slice(0, 1) };
}
