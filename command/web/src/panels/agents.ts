/** Agents and services: those that fell silent first, then all by kind. */
import { api } from "../api";
import type { City } from "../city";
import { age_s } from "../clock";
import type { Agent, Balance } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, number, said, t, term } from "../i18n";
import type { Part, Selection } from "./situation";

const KINDS = ["service", "signal", "camera", "lanes", "vision", "traffic", "sensor", "network"];
const WEIGH_MS = 5_000;
const LOST = new Set(["silent", "offline", "failed"]);

export const isLost = ({ health }: Agent): boolean => LOST.has(health);

export class AgentList implements Part {
  readonly #lost = h("ul", { class: "agent-list" });
  readonly #well = said("p", "empty", "agents.all_well");
  readonly #groups = h("div", { class: "agent-groups" });
  readonly #none = h("p", { class: "empty" });
  readonly #total = h("p", { class: "balance balance-total", role: "status" });
  readonly #some = h("div", {}, this.#total, said("h3", "", "agents.silent"), this.#well, this.#lost, this.#groups);
  readonly element = h("section", { class: "part" }, this.#none, this.#some);
  readonly #balances = new Map<string, Balance>();
  #weighed_ms = Number.NEGATIVE_INFINITY;
  readonly #city: City;
  readonly #select: (selection: Selection) => void;

  constructor(city: City, select: (selection: Selection) => void) {
    this.#city = city;
    this.#select = select;
  }

  count(): number {
    return [...this.#city.agents.values()].filter(isLost).length;
  }

  /** Every 5 s while this list is looked at. */
  async #weigh(): Promise<void> {
    if (this.#city.isPast || this.element.hidden || performance.now() - this.#weighed_ms < WEIGH_MS) return;
    this.#weighed_ms = performance.now();
    const found = await api.delivery().catch(() => null);
    if (found === null) return; // the connection chip tells of a server that is away
    this.#balances.clear();
    for (const balance of found) this.#balances.set(balance.device, balance);
    this.refresh();
  }

  refresh(): void {
    void this.#weigh();
    if (this.#balances.size > 0) showBalance(this.#total, sum([...this.#balances.values()]), t("balance.all"));
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

  #fill(list: HTMLElement, agents: Agent[]): void {
    const make = () => {
      const parts = ["agent-mark", "agent-name", "agent-health", "agent-detail", "balance"];
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
    const [, name, state, detail, balance] = [...button.children] as [Element, Element, Element, Element, Element];
    text(name, agent.device);
    text(state, term("health", agent.health));
    const notes = [
      t("agents.heard", { age: age(age_s(agent.at)) }),
      agent.spooled > 0 && t("agents.spooled", { n: number(agent.spooled) }),
      agent.detail,
    ];
    text(detail, notes.filter(Boolean).join(" · "));
    const weighed = this.#balances.get(agent.device);
    attribute(balance, "hidden", !weighed);
    if (weighed) showBalance(balance, weighed);
  }
}

const PARTS = ["committed", "spooled", "open", "dead_lettered", "given_up"] as const;

/** Numbered = stored + on disk + on its way + refused + given up; parts of nothing are left out, stored never is. */
function showBalance(element: Element, balance: Omit<Balance, "device">, of = ""): void {
  const parts = PARTS.filter((part) => part === "committed" || balance[part] !== 0).map((part) => t(`balance.${part}`, { n: number(balance[part]) }));
  const again = balance.duplicates > 0 ? ` · ${t("balance.duplicates", { n: number(balance.duplicates) })}` : "";
  const numbered = t("balance.numbered", { n: number(balance.numbered) });
  text(element, `${of ? `${of}: ` : ""}${numbered} = ${parts.join(" + ")}${again}`);
  attribute(element, "data-tone", balance.given_up > 0 ? "bad" : balance.dead_lettered > 0 ? "warn" : null);
}

function sum(balances: Balance[]): Omit<Balance, "device"> {
  const whole = { numbered: 0, committed: 0, dead_lettered: 0, given_up: 0, spooled: 0, open: 0, duplicates: 0 };
  for (const balance of balances) for (const part of Object.keys(whole) as (keyof typeof whole)[]) whole[part] += balance[part];
  return whole;
}

function selectionOf(city: City, { device }: Agent): Selection {
  const [kind, id = ""] = device.split("/");
  if ((kind === "signal" || kind === "lanes") && city.intersections.has(id)) return { kind: "intersection", id };
  return kind === "camera" && city.cameras.has(id) ? { kind: "camera", id } : null;
}
