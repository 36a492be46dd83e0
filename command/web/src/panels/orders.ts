/** What people want of one signal: who holds what, until when and why; holding, the local plan, release. */
import { api } from "../api";
import type { City } from "../city";
import type { Order } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { localText, said, t, timeOfDay } from "../i18n";
import { onSettings } from "../settings";
import { may, send } from "../session/session";
import { GreenWaves } from "./greenwaves";

const EVERY_MS = 2_000;
const LEAST_REASON = 3;
const MINUTES = 5;
const MOST_MINUTES = 10;

export class Orders {
  readonly #held = h("ul", { class: "order-list" });
  readonly #none = said("p", "empty", "orders.none");
  readonly #what = h("select", { class: "field-input", id: "order-what" });
  readonly #minutes = h("input", { class: "field-input", id: "order-minutes", type: "number", min: 1, max: MOST_MINUTES, value: MINUTES });
  readonly #reason = h("input", { class: "field-input", id: "order-reason", type: "text", maxlength: 200, autocomplete: "off" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #give = said("button", "primary", "orders.give");
  readonly #release = said("button", "secondary", "orders.release");
  readonly #fields: HTMLElement;
  readonly #form: HTMLElement;
  readonly #waves: GreenWaves;
  readonly element: HTMLElement;
  readonly #city: City;
  #id: string | null = null;
  #phases = 0;
  #orders: Order[] = [];
  #asked_ms = Number.NEGATIVE_INFINITY;

  constructor(city: City) {
    this.#city = city;
    this.#waves = new GreenWaves(city);
    const field = (input: HTMLElement, key: "orders.what" | "orders.minutes" | "orders.reason") =>
      h("div", { class: "field" }, localText(h("label", { class: "field-label", for: input.id }), key), input);
    this.#fields = h("div", { class: "order-fields" }, field(this.#what, "orders.what"), field(this.#minutes, "orders.minutes"));
    attribute(this.#give, "type", "submit");
    attribute(this.#release, "type", "button");
    this.#release.addEventListener("click", () => void this.#do("/release", (reason) => ({ reason })));
    const deeds = h("div", { class: "order-deeds" }, this.#release, this.#give);
    this.#form = h("form", { class: "order-form", novalidate: true }, this.#fields, field(this.#reason, "orders.reason"), this.#problem, deeds);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#isFree()) return; // Enter in the reason of a release
      const phase = this.#what.value === "local" ? null : Number(this.#what.value);
      const kind = phase === null ? "local" : "hold";
      void this.#do("", (reason) => ({ kind, phase, minutes: Number(this.#minutes.value), reason }));
    });
    this.element = h("div", { class: "orders" }, this.#none, this.#held, this.#form, this.#waves.element);
    onSettings((_, changed) => changed === "language" && this.#draw());
  }

  show(intersection: string | null): void {
    this.#id = intersection;
    this.#orders = [];
    this.#reason.value = "";
    text(this.#problem, "");
    this.offer(0);
    this.#asked_ms = Number.NEGATIVE_INFINITY;
  }

  /** How many phases the signal shown has. */
  offer(phases: number): void {
    this.#phases = phases;
    this.#draw();
    this.#waves.show(this.#id, phases);
  }

  async refresh(): Promise<void> {
    attribute(this.element, "hidden", this.#city.isPast || !may("see_alarms"));
    if (this.element.hidden || this.#id === null || performance.now() - this.#asked_ms < EVERY_MS) return;
    await this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asked_ms = performance.now();
    const orders = await api.orders().catch(() => null);
    if (orders === null) return; // the connection chip tells of a server that is away
    this.#orders = orders.filter(({ intersection }) => intersection === this.#id);
    this.#draw();
    await this.#waves.ask();
  }

  async #do(what: string, body: (reason: string) => object): Promise<void> {
    const reason = this.#reason.value.trim();
    if (reason.length < LEAST_REASON) {
      text(this.#problem, t("orders.say"));
      this.#reason.focus();
      return;
    }
    try {
      await send("POST", `/intersections/${encodeURIComponent(this.#id ?? "")}/order${what}`, body(reason));
      this.#reason.value = "";
      text(this.#problem, "");
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
    await this.#ask();
  }

  #isFree(): boolean {
    return this.#orders.length === 0;
  }

  #draw(): void {
    attribute(this.#none, "hidden", !this.#isFree());
    attribute(this.#form, "hidden", !may("order_signals"));
    for (const element of [this.#fields, this.#give]) attribute(element, "hidden", !this.#isFree());
    attribute(this.#release, "hidden", this.#isFree());
    const make = () => h("li", { class: "order" }, h("strong"), h("span", { class: "order-who" }), h("span", { class: "order-why" }));
    keyed(this.#held, this.#orders, ({ id }) => id, make, (row, order) => {
      const [what, who, why] = [...row.children] as [HTMLElement, HTMLElement, HTMLElement];
      text(what, order.phase === null ? t("orders.local") : t("orders.held", { n: order.phase + 1 }));
      const from = timeOfDay(order.starts_at);
      text(who, t("orders.who", { name: order.ordered_by, from, until: timeOfDay(order.expires_at) }));
      text(why, order.reason);
    });
    const choices = [...Array.from({ length: this.#phases }, (_, n) => String(n)), "local"];
    keyed(this.#what, choices, (choice) => choice, (value) => h("option", { value }), (option, choice) => {
      text(option, choice === "local" ? t("orders.local") : t("orders.hold", { n: Number(choice) + 1 }));
    });
  }
}
