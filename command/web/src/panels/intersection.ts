/** One intersection: what it shows and for how long, its phases, movements, queues and latest commands. */
import { api } from "../api";
import type { City } from "../city";
import { age_s, now_ms } from "../clock";
import type { Command, IntersectionConfig, LaneNow, Movement, Phase, SignalNow, Turn } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, number, said, t, timeOfDay } from "../i18n";
import { onSettings } from "../settings";
import { diagram } from "./diagram";
import { icon, type Icon } from "./icons";
import { Orders } from "./orders";
import { countdown, nameOf } from "./pin";
import { Reasons } from "./reasons";
import type { Part } from "./situation";

const TURNS: Record<Turn, Icon> = { through: "through", left: "turnLeft", right: "turnRight", u_turn: "turnBack", pedestrian: "walk" };
const COMMANDS_EVERY_MS = 5_000;
const MOST_COMMANDS = 8;

export class IntersectionPanel implements Part {
  readonly #title = h("h2");
  readonly #mode = h("span", { class: "mode-tag" });
  readonly #warning = h("p", { class: "warning", role: "status", hidden: true });
  readonly #count = h("span", { class: "now-count" });
  readonly #interval = h("span", { class: "now-interval" });
  readonly #range = h("span", { class: "now-range" });
  readonly #now = h("div", { class: "now card-inset" }, this.#count, h("div", {}, this.#interval, this.#range));
  readonly #phases = h("ol", { class: "phases" });
  readonly #lanes = h("ul", { class: "lane-list" });
  readonly #movements = h("ul", { class: "movement-list" });
  readonly #commands = h("ul", { class: "command-list" });
  readonly #noCommands = said("p", "empty", "intersection.nocommands");
  readonly #reasons = new Reasons();
  readonly #orders: Orders;
  readonly element: HTMLElement;
  readonly #city: City;
  #id: string | null = null;
  #config: IntersectionConfig | null = null;
  #asked_ms = Number.NEGATIVE_INFINITY;

  constructor(city: City, close: () => void) {
    this.#city = city;
    this.#orders = new Orders(city);
    const back = h("button", { type: "button", class: "icon-button", click: close }, icon("left"));
    attribute(back, "aria-label", t("side.close"));
    const head = h("div", { class: "detail-head" }, back, this.#title, this.#mode);
    this.element = h(
      "section",
      { class: "part detail intersection-detail", tabindex: -1 },
      head,
      this.#warning,
      this.#now,
      said("h3", "", "intersection.why"),
      this.#reasons.element,
      said("h3", "", "orders.title"),
      this.#orders.element,
      said("h3", "", "intersection.phases"),
      this.#phases,
      said("h3", "", "intersection.lanes"),
      this.#lanes,
      said("h3", "", "intersection.movements"),
      this.#movements,
      said("h3", "", "intersection.commands"),
      this.#noCommands,
      this.#commands,
    );
    onSettings((_, changed) => changed === "language" && this.#id && this.#build());
  }

  show(intersection: string | null): void {
    if (intersection === this.#id) return;
    this.#id = intersection;
    this.#config = null;
    this.#asked_ms = Number.NEGATIVE_INFINITY;
    for (const list of [this.#phases, this.#lanes, this.#movements, this.#commands]) list.replaceChildren();
    attribute(this.#noCommands, "hidden", false);
    this.#reasons.show(intersection);
    this.#orders.show(intersection);
    if (intersection === null) return;
    this.#city.config(intersection).then(
      (config) => {
        if (this.#id !== intersection) return;
        this.#config = config;
        this.#build();
      },
      () => {
        attribute(this.#warning, "hidden", false);
        text(this.#warning, t("intersection.noconfig"));
      },
    );
    this.refresh();
  }

  refresh(): void {
    const id = this.#id;
    if (id === null) return;
    const signal = this.#city.signals.get(id);
    const uncertain = this.#city.isUncertain(signal);
    const mode = uncertain || !signal ? "uncertain" : signal.mode;
    text(this.#title, nameOf(this.#city, id));
    text(this.#mode, t(`mode.${mode}`));
    attribute(this.#mode, "data-mode", mode);
    attribute(this.#warning, "hidden", !(uncertain && signal));
    if (uncertain && signal) text(this.#warning, t("intersection.stale", { age: age(age_s(signal.at)) }));
    if (signal) this.#refreshNow(signal, uncertain);
    this.#refreshLanes(id);
    void this.#refreshCommands(id);
    void this.#reasons.refresh(this.#city.site?.speed ?? 1);
    void this.#orders.refresh();
  }

  #build(): void {
    const config = this.#config;
    if (!config) return;
    this.#phases.replaceChildren(...config.phases.map((phase, index) => this.#phase(config, phase, index)));
    this.#orders.offer(config.phases.length);
    this.#movements.replaceChildren(...config.movements.map(movementRow));
    this.#asked_ms = Number.NEGATIVE_INFINITY;
    this.refresh();
  }

  #phase(config: IntersectionConfig, phase: Phase, index: number): HTMLElement {
    const { min_green_s, max_green_s } = phase;
    const range = t("intersection.green_range", { min: number(min_green_s), max: number(max_green_s) });
    const labels = [h("strong", {}, t("intersection.phase", { n: index + 1 })), h("span", { class: "phase-range" }, range)];
    return h("li", { class: "phase" }, diagram(config, phase), ...labels, h("span", { class: "phase-flag" }));
  }

  #refreshNow(signal: SignalNow, uncertain: boolean): void {
    const { min_s, max_s } = this.#city.remaining_s(signal);
    const flashing = signal.interval === "flash";
    attribute(this.#now, "data-interval", uncertain ? "uncertain" : signal.interval);
    text(this.#count, uncertain ? "?" : flashing ? "!" : countdown(min_s, max_s));
    const interval = t(uncertain ? "mode.uncertain" : `interval.${signal.interval}`);
    text(this.#interval, `${t("intersection.phase", { n: signal.phase + 1 })} · ${interval}`);
    const gone_s = ((now_ms() - Date.parse(signal.at)) / 1000) * (this.#city.site?.speed ?? 1);
    const notes = [
      t("intersection.elapsed", { n: number(signal.elapsed_s + Math.max(0, gone_s)) }),
      max_s === null ? "" : t("intersection.latest", { n: number(max_s) }),
    ];
    text(this.#range, uncertain || flashing ? "" : notes.filter(Boolean).join(" · "));
    for (const [index, element] of [...this.#phases.children].entries()) {
      const isNext = index === signal.next_phase && index !== signal.phase;
      const place = uncertain || flashing ? null : index === signal.phase ? "now" : isNext ? "next" : null;
      attribute(element, "data-place", place);
      attribute(element, "aria-current", place === "now" ? "true" : null);
      const flag = element.lastElementChild;
      if (flag) text(flag, place === null ? "" : t(`intersection.${place}`));
    }
    for (const [place, row] of [...this.#movements.children].entries()) {
      const index = this.#config?.movements[place]?.index ?? place;
      const shows = uncertain ? "x" : (signal.indications[index] ?? "x");
      attribute(row, "data-shows", shows);
      const word = row.lastElementChild;
      if (word) text(word, t(`indication.${isIndication(shows) ? shows : "x"}`));
    }
  }

  #refreshLanes(id: string): void {
    const lanes = [...this.#city.lanes.values()].filter(({ intersection }) => intersection === id);
    const lengths = new Map(this.#config?.lanes.map(({ lane, length_m }) => [lane, length_m]));
    const make = () => h("li", { class: "lane-row" }, h("span", { class: "lane-name" }), h("span", { class: "lane-bar" }, h("i")), h("span", { class: "lane-figures" }));
    const named = lanes.toSorted((a, b) => a.lane.localeCompare(b.lane));
    keyed(this.#lanes, named, ({ lane }) => lane, make, (row, now) => updateLane(row, now, lengths.get(now.lane)));
  }

  async #refreshCommands(id: string): Promise<void> {
    if (performance.now() - this.#asked_ms < COMMANDS_EVERY_MS) return;
    this.#asked_ms = performance.now();
    const commands = await api.commands(id, this.#city.isPast ? now_ms() : undefined).catch(() => null);
    if (commands === null || id !== this.#id) return; // the connection chip tells of a server that is away
    const latest = commands.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, MOST_COMMANDS);
    attribute(this.#noCommands, "hidden", latest.length > 0);
    this.#commands.replaceChildren(...latest.map(commandRow));
  }
}

const isIndication = (value: string): value is "G" | "g" | "y" | "r" | "o" | "O" => "GgyroO".includes(value);

function movementRow({ turn, from_lane, to_lane }: Movement): HTMLElement {
  const way = h("span", { class: "movement-way" }, h("b", {}, t(`turn.${turn}`)), ` ${from_lane} → ${to_lane}`);
  return h("li", { class: "movement" }, icon(TURNS[turn]), way, h("span", { class: "movement-shows" }));
}

function updateLane(row: HTMLElement, now: LaneNow, length_m = 100): void {
  const [name, bar, figures] = [...row.children] as [HTMLElement, HTMLElement, HTMLElement];
  const share = Math.min(1, now.queue_m / Math.max(1, length_m));
  text(name, now.lane);
  attribute(name, "title", now.lane);
  const fill = bar.firstElementChild as HTMLElement;
  fill.style.setProperty("--share", share.toFixed(3));
  fill.className = `strain-${Math.min(4, Math.floor(share * 5))}`;
  const speed = now.mean_speed_mps === null ? "" : ` · ${number(now.mean_speed_mps * 3.6)} ${t("unit.kmh")}`;
  text(figures, `${number(now.queued)}/${number(now.vehicles)} · ${number(now.queue_m)} ${t("unit.m")}${speed}`);
}

function commandRow({ at, phase, reason, accepted, answer }: Command): HTMLElement {
  const result = accepted === null ? "unanswered" : accepted ? "accepted" : "refused";
  return h(
    "li",
    { class: "command", "data-result": result },
    h("time", { datetime: at }, timeOfDay(at)),
    h("strong", {}, t("intersection.phase", { n: phase + 1 })),
    h("span", { class: "command-result" }, t(`intersection.${result}`)),
    h("span", { class: "command-reason" }, [reason, accepted === false && answer].filter(Boolean).join(" — ")),
  );
}
