/** The switch of duty, with what goes wrong about the position beside it. */
import { attribute, h, text } from "../dom";
import { localText, t, timeOfDay } from "../i18n";
import type { Field } from "./field";
import type { Whereabouts } from "./whereabouts";

export class DutySwitch {
  readonly element: HTMLElement;
  readonly #field: Field;
  readonly #whereabouts: Whereabouts;
  readonly #button = h("button", { type: "button", class: "duty-switch", role: "switch" });
  readonly #state = h("span", { class: "duty-state" });
  readonly #hint = h("p", { class: "hint" });

  constructor(field: Field, whereabouts: Whereabouts) {
    this.#field = field;
    this.#whereabouts = whereabouts;
    const name = localText(h("span", { class: "duty-name" }), "field.duty");
    this.#button.append(name, this.#state, h("span", { class: "duty-knob", "aria-hidden": "true" }));
    this.#button.addEventListener("click", () => void field.do({ do: "duty", on: !field.onDuty }));
    this.element = h("div", { class: "duty" }, this.#button, this.#hint);
  }

  refresh(): void {
    const { onDuty, worker, entries } = this.#field;
    attribute(this.#button, "aria-checked", String(onDuty));
    const isPending = entries.some(({ deed, state }) => deed?.do === "duty" && state === "waiting");
    const since = onDuty && worker?.duty_since && !isPending ? timeOfDay(worker.duty_since).slice(0, 5) : "";
    text(this.#state, onDuty ? t(since ? "field.duty.since" : "field.duty.on", { at: since }) : t("field.duty.off"));
    text(this.#hint, onDuty && this.#whereabouts.refused ? t("field.no_position") : "");
  }
}
