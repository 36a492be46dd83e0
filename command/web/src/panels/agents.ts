/** Agents and services: those that fell silent first, then all by kind. */
import { api } from "../api";
import type { City } from "../city";
import { age_s } from "../clock";
import type { Agent, Balance } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, number, said, t, term } from "../i18n";
import type { Part, Selection } from "./situation";

const KINDS = ["service", "signal", "camera", "lanes", "vision", "traffic", "sensor", "network"];
const LOST = new Set(["silent", "offline", "failed"]);
/** Devices say every 10 s how much they numbered. */
const BALANCE_EVERY_MS = 10_000;

export const isLost = ({ health }: Agent): boolean => LOST.has(health);

export class AgentList implements Part {
  readonly #lost = h("ul", { class: "agent-list" });
  readonly #well = said("p", "empty", "agents.all_well");
  readonly #groups = h("div", { class: "agent-groups" });
  readonly #none = h("p", { class: "empty" });
  readonly #some = h("div", {}, said("h3", "", "agents.silent"), this.#well, this.#lost, this.#groups);
  readonly element = h("section", { class: "part" }, this.#none, this.#some);
  readonly #city: City;
  readonly #select: (selection: Selection) => void;
  #balances = new Map<string, Balance>();
  #asked_ms = Number.NEGATIVE_INFINITY;

  constructor(city: City, select: (selection: Selection) => void) {
    this.#city = city;
    this.#select = select;
  }

  count(): number {
    return [...this.#city.agents.values()].filter(isLost).length;
  }

  refresh(): void {
    void this.#weigh();
    const agents = [...this.#city.agents.values()].toSorted((a, b) => a.device.localeCompare(b.device));
    attribute(this.#none, "hidden", agents.length > 0);
    text(this.#none, t(this.#city.isPast ? "playback.no_agents" : "agents.none"));
    attribute(this.#some, "hidden", agents.length === 0);
    const lost = agents.filter(isLost);
    attribute(this.#well, "hidden", lost.length > 0);
    this.#fill(this.#lost, lost);
    const kinds = Map.groupBy(agents.filter((agent) => !isLost(agent)), ({ kind }) => kind);
    const groups = [...kinds].toSorted(([a], [b]) => KINDS.indexOf(a) - KINDS.indexOf(b));
    const make = () => h("section", {}, h("h3"), h("ul", { class: "agent-list" }));
    keyed(this.#groups, groups, ([kind]) => kind, make, (section, [kind, members]) => {
      const [title, list] = [...section.children] as [HTMLElement, HTMLElement];
      text(title, `${term("agents", kind)} · ${members.length}`);
      this.#fill(list, members);
    });
  }

  /** What became of every message; asked for while the list is looked at. */
  async #weigh(): Promise<void> {
    const now_ms = performance.now();
    if (now_ms - this.#asked_ms < BALANCE_EVERY_MS) return;
    this.#asked_ms = now_ms;
    const balances = await api.delivery().catch(() => null);
    // Without an answer the last figures stay; the next look is in ten seconds.
    if (balances) this.#balances = new Map(balances.map((balance) => [balance.device, balance]));
  }

  #fill(list: HTMLElement, agents: Agent[]): void {
    const make = () => {
      const parts = ["agent-mark", "agent-name", "agent-health", "agent-detail"];
      return h("li", {}, h("button", { type: "button", class: "agent" }, ...parts.map((name) => h("span", { class: name }))));
    };
    keyed(list, agents, ({ device }) => device, make, (item, agent) => this.#update(item, agent));
  }

  #update(item: HTMLElement, agent: Agent): void {
    const button = item.firstElementChild as HTMLButtonElement;
    const target = selectionOf(this.#city, agent);
    button.disabled = target === null;
    button.onclick = () => this.#select(target);
    attribute(button, "data-health", agent.health);
    const [, name, state, detail] = [...button.children] as [Element, Element, Element, Element];
    text(name, agent.device);
    text(state, term("health", agent.health));
    const notes = [
      t("agents.heard", { age: age(age_s(agent.at)) }),
      agent.spooled > 0 && t("agents.spooled", { n: number(agent.spooled) }),
      ...told(this.#balances.get(agent.device)),
      agent.detail,
    ];
    text(detail, notes.filter(Boolean).join(" · "));
  }
}

/** numbered = committed + dead_lettered + given_up + spooled + open */
function told(balance: Balance | undefined): (string | false)[] {
  if (!balance) return [];
  const { numbered, committed, dead_lettered, given_up, open } = balance;
  return [
    t("agents.committed", { n: number(committed), all: number(numbered) }),
    dead_lettered > 0 && t("agents.dead_lettered", { n: number(dead_lettered) }),
    given_up > 0 && t("agents.given_up", { n: number(given_up) }),
    open > 0 && t("agents.open", { n: number(open) }),
  ];
}

function selectionOf(city: City, { device }: Agent): Selection {
  const [kind, id = ""] = device.split("/");
  if ((kind === "signal" || kind === "lanes") && city.intersections.has(id)) return { kind: "intersection", id };
  return kind === "camera" && city.cameras.has(id) ? { kind: "camera", id } : null;
}
