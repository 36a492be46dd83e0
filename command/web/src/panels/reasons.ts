/** Why a signal shows what it shows: what binds it, which phases follow, when each queue is gone. */
import { api } from "../api";
import type { Reasons as Told } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { number, said, t } from "../i18n";
import { onSettings } from "../settings";

const EVERY_MS = 2_000;

export class Reasons {
  readonly #none = said("p", "empty", "intersection.noreasons");
  readonly #binding = h("p", { class: "reason-binding" });
  readonly #plan = h("ol", { class: "reason-plan" });
  readonly #lanes = h("ul", { class: "lane-list reason-lanes" });
  readonly element = h("div", { class: "reasons" }, this.#none, this.#binding, this.#plan, this.#lanes);
  #id: string | null = null;
  #told: Told | null = null;
  #asked_ms = Number.NEGATIVE_INFINITY;
  #speed = 1;

  constructor() {
    onSettings((_, changed) => changed === "language" && this.#draw());
    this.#draw();
  }

  show(intersection: string | null): void {
    this.#id = intersection;
    this.#told = null;
    this.#asked_ms = Number.NEGATIVE_INFINITY;
    this.#draw();
  }

  /** Ask again when it is time, and count down; `speed`: street seconds in one of the clock. */
  async refresh(speed: number): Promise<void> {
    this.#speed = speed;
    this.#draw();
    const id = this.#id;
    if (id === null || performance.now() - this.#asked_ms < EVERY_MS) return;
    this.#asked_ms = performance.now();
    // Without an answer the last reasons stay; the connection chip tells of a server that is away.
    const answer = await api.reasons(id).catch(() => null);
    if (answer === null || id !== this.#id) return;
    this.#told = answer.reasons;
    this.#draw();
  }

  #draw(): void {
    const told = this.#told;
    attribute(this.#none, "hidden", told !== null);
    for (const element of [this.#binding, this.#plan, this.#lanes]) attribute(element, "hidden", told === null);
    if (told === null) return;
    const gone_s = Math.max(0, ((Date.now() - Date.parse(told.at)) / 1000) * this.#speed);
    const left = (s: number) => number(Math.max(0, Math.round(s - gone_s)));
    attribute(this.#binding, "data-binding", told.binding);
    text(this.#binding, t(`binding.${told.binding}`) + (told.binding === "rules" ? ` (${told.detail})` : ""));
    const entry = () => h("li", {}, h("strong"), h("span", { class: "reason-in" }));
    const places = told.plan.map((one, place) => ({ ...one, place }));
    keyed(this.#plan, places, ({ place }) => String(place), entry, (row, { phase, in_s, place }) => {
      const [name, when] = [...row.children] as [HTMLElement, HTMLElement];
      text(name, t("intersection.phase", { n: phase + 1 }));
      text(when, place === 0 ? t("intersection.now") : t("intersection.in", { n: left(in_s) }));
    });
    const waiting = told.lanes.filter(({ queued }) => queued > 0);
    const lane = () => h("li", { class: "reason-lane" }, h("span", { class: "lane-name" }), h("span", { class: "lane-figures" }));
    keyed(this.#lanes, waiting, (one) => one.lane, lane, (row, one) => {
      const [name, figures] = [...row.children] as [HTMLElement, HTMLElement];
      text(name, one.lane);
      const clears = one.clears_s === null ? t("intersection.clears_never") : t("intersection.clears", { n: left(one.clears_s) });
      text(figures, `${number(one.queued)} · ${clears}`);
    });
  }
}
