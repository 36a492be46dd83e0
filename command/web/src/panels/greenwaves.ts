/** Green waves by hand: one person puts signals in order and asks, another confirms. */
import { api } from "../api";
import type { City } from "../city";
import type { HoldStep, ManualWave } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { localText, number, said, t, timeOfDay } from "../i18n";
import { onSettings } from "../settings";
import { may, send } from "../session/session";
import { nameOf } from "./pin";

const LEAST_REASON = 3;
const LEAST_HOLDS = 2;

type Deed = "confirmation" | "end";

export class GreenWaves {
  readonly #list = h("ul", { class: "order-list wave-list" });
  readonly #none = said("p", "empty", "waves.none");
  readonly #steps = h("ol", { class: "wave-steps" });
  readonly #phase = h("select", { class: "field-input", id: "wave-phase" });
  readonly #after = h("input", { class: "field-input", id: "wave-after", type: "number", min: 0, max: 900, value: 0 });
  readonly #lasts = h("input", { class: "field-input", id: "wave-lasts", type: "number", min: 5, max: 600, value: 60 });
  readonly #reason = h("input", { class: "field-input", id: "wave-reason", type: "text", maxlength: 200, autocomplete: "off" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #form: HTMLElement;
  readonly element: HTMLElement;
  readonly #city: City;
  #id: string | null = null;
  #phases = 0;
  #waves: ManualWave[] = [];
  #draft: HoldStep[] = [];

  constructor(city: City) {
    this.#city = city;
    const field = (input: HTMLElement, key: "waves.phase" | "waves.after" | "waves.lasts" | "orders.reason") =>
      h("div", { class: "field" }, localText(h("label", { class: "field-label", for: input.id }), key), input);
    const act = (key: "waves.add" | "waves.clear" | "waves.ask", name: string, work: () => void) => {
      const button = said("button", name, key);
      attribute(button, "type", "button");
      button.addEventListener("click", work);
      return button;
    };
    const step = h("div", { class: "order-fields" }, field(this.#phase, "waves.phase"), field(this.#after, "waves.after"), field(this.#lasts, "waves.lasts"));
    const deeds = h(
      "div",
      { class: "order-deeds" },
      act("waves.clear", "secondary", () => this.#clear()),
      act("waves.add", "secondary", () => this.#add()),
      act("waves.ask", "primary", () => void this.#askFor()),
    );
    this.#form = h("div", { class: "order-form" }, this.#steps, step, field(this.#reason, "orders.reason"), this.#problem, deeds);
    const title = localText(h("summary"), "waves.title");
    this.element = h("details", { class: "waves" }, title, this.#none, this.#list, this.#form);
    onSettings((_, changed) => changed === "language" && this.#draw());
    this.#draw();
  }

  show(intersection: string | null, phases: number): void {
    this.#id = intersection;
    this.#phases = phases;
    this.#draw();
  }

  async ask(): Promise<void> {
    const waves = await api.manualWaves().catch(() => null);
    if (waves === null) return;
    // Whoever could confirm sees it without looking for it.
    const known = new Set(this.#waves.map(({ id }) => id));
    const isNew = waves.some(({ id, is_own, confirmed_at }) => !known.has(id) && !is_own && confirmed_at === null);
    if (isNew && may("order_signals")) attribute(this.element, "open", true);
    this.#waves = waves;
    this.#draw();
  }

  #add(): void {
    if (this.#id === null) return;
    const hold = { intersection: this.#id, phase: Number(this.#phase.value), after_s: Number(this.#after.value), lasts_s: Number(this.#lasts.value) };
    this.#draft = [...this.#draft.filter(({ intersection }) => intersection !== this.#id), hold];
    this.#draw();
  }

  #clear(): void {
    this.#draft = [];
    text(this.#problem, "");
    this.#draw();
  }

  /** What was said, or null and a word about it. */
  #said(): string | null {
    const reason = this.#reason.value.trim();
    if (reason.length >= LEAST_REASON) return reason;
    text(this.#problem, t("orders.say"));
    this.#reason.focus();
    return null;
  }

  async #askFor(): Promise<void> {
    if (this.#draft.length < LEAST_HOLDS) {
      text(this.#problem, t("waves.few"));
      return;
    }
    const reason = this.#said();
    if (reason !== null && (await this.#send("", { holds: this.#draft, reason }))) this.#clear();
  }

  async #do(wave: string, deed: Deed): Promise<void> {
    const reason = deed === "end" ? this.#said() : "";
    if (reason !== null) await this.#send(`/${wave}/${deed}`, deed === "end" ? { reason } : undefined);
  }

  async #send(path: string, body: object | undefined): Promise<boolean> {
    let isDone = true;
    try {
      await send("POST", `/manual-waves${path}`, body);
      text(this.#problem, "");
      if (body) this.#reason.value = "";
    } catch (error) {
      isDone = false;
      text(this.#problem, (error as Error).message);
    }
    await this.ask();
    return isDone;
  }

  #step({ intersection, phase, after_s, lasts_s }: HoldStep): string {
    return t("waves.step", { name: nameOf(this.#city, intersection), n: phase + 1, after: number(after_s), lasts: number(lasts_s) });
  }

  #draw(): void {
    attribute(this.#none, "hidden", this.#waves.length > 0);
    attribute(this.#form, "hidden", !may("order_signals"));
    keyed(this.#steps, this.#draft, ({ intersection }) => intersection, () => h("li"), (row, hold) => text(row, this.#step(hold)));
    const phases = Array.from({ length: this.#phases }, (_, n) => n);
    keyed(this.#phase, phases, String, (n) => h("option", { value: n }), (option, n) => text(option, t("intersection.phase", { n: n + 1 })));
    keyed(this.#list, this.#waves, ({ id }) => id, ({ id }) => this.#make(id), (row, wave) => this.#update(row, wave));
  }

  #make(id: string): HTMLLIElement {
    const deed = (name: Deed) =>
      localText(h("button", { type: "button", class: "deed", "data-deed": name, click: () => void this.#do(id, name) }), `waves.${name}`);
    const deeds = h("div", { class: "order-deeds" }, deed("confirmation"), deed("end"));
    return h("li", { class: "order wave" }, h("strong"), h("span", { class: "order-who" }), h("span", { class: "order-why" }), deeds);
  }

  #update(row: HTMLElement, wave: ManualWave): void {
    const [what, who, why, deeds] = [...row.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
    text(what, wave.holds.map((hold) => this.#step(hold)).join(" → "));
    const until = timeOfDay(wave.lapses_at);
    const asked = t(wave.is_own ? "waves.own" : "waves.waits", { name: wave.asked_by, until });
    text(who, wave.confirmed_by === null ? asked : t("waves.runs", { name: wave.asked_by, other: wave.confirmed_by }));
    text(why, wave.reason);
    attribute(deeds, "hidden", !may("order_signals"));
    const confirm = deeds.querySelector("[data-deed='confirmation']");
    if (confirm) attribute(confirm, "hidden", wave.is_own || wave.confirmed_at !== null);
  }
}
