/** The panel at the side: events, signals, cameras and agents as lists, or one of them in detail. */
import { Evaluation } from "../cases/evaluation";
import { CaseList } from "../cases/list";
import { CaseMaker } from "../cases/making";
import { ReportPanel } from "../cases/report";
import { CasePanel } from "../cases/view";
import type { City } from "../city";
import { attribute, h, text } from "../dom";
import { localLabel, said, type Key } from "../i18n";
import { may } from "../session/session";
import { AgentList } from "./agents";
import { AlarmList } from "./alarms";
import { CameraList, CameraPanel } from "./camera";
import { EventList } from "./events";
import { icon } from "./icons";
import { IntersectionPanel } from "./intersection";
import { SignalList } from "./signals";

/** `why` one looks at a camera goes into the audit. */
export type Selection = { kind: "intersection" | "camera" | "case" | "report"; id: string; why?: "monitoring" | "event" } | null;

/** A list or a detail: it is told when it is shown, hidden, and once a second while shown. */
export interface Part {
  element: HTMLElement;
  /** How many things in it ask for attention. */
  count?: () => number;
  refresh: () => void;
}

const TABS = ["alarms", "events", "cases", "intersections", "cameras", "agents"] as const;
type Tab = (typeof TABS)[number];

export class Situation {
  readonly element: HTMLElement;
  readonly #parts: Record<Tab, Part>;
  /** Who may not see alarms has no place for them. */
  readonly #tabs = TABS.filter((tab) => (tab !== "alarms" || may("see_alarms")) && (tab !== "cases" || may("see_cases")));
  readonly #buttons = new Map<Tab, { button: HTMLButtonElement; badge: HTMLElement }>();
  readonly #lists = h("div", { class: "side-lists" });
  readonly #detail = h("div", { class: "side-detail" });
  readonly #intersection: IntersectionPanel;
  readonly #camera: CameraPanel;
  readonly #case: CasePanel;
  /** A click on the map sets the place of the case that is being reported. */
  readonly report: ReportPanel;
  #tab: Tab = "events";
  #selection: Selection = null;
  #opener: Element | null = null;

  constructor(city: City, select: (selection: Selection) => void, onRoom: () => void, calibrate: (camera: string) => void) {
    this.#intersection = new IntersectionPanel(city, () => select(null));
    this.#camera = new CameraPanel(city, () => select(null), calibrate);
    this.#case = new CasePanel(city, city.cases, select);
    this.report = new ReportPanel(city.cases, select);
    const maker = new CaseMaker(city, city.cases, select, (draft, problem) => this.report.fill(draft, problem));
    const evaluation = new Evaluation(city.cases);
    this.#parts = {
      alarms: new AlarmList(city, select, maker),
      events: new EventList(city, select, maker),
      cases: new CaseList(city.cases, select, () => evaluation.open()),
      intersections: new SignalList(city, select),
      cameras: new CameraList(city, select),
      agents: new AgentList(city, select),
    };
    const tabs = localLabel(h("div", { class: "tabs", role: "tablist", keydown: (e: KeyboardEvent) => this.#key(e) }), "side.label");
    for (const tab of this.#tabs) tabs.append(this.#tabButton(tab));
    for (const tab of this.#tabs) {
      const { element } = this.#parts[tab];
      for (const [name, value] of Object.entries({ id: `panel-${tab}`, role: "tabpanel", "aria-labelledby": `tab-${tab}`, tabindex: "0" })) {
        element.setAttribute(name, value);
      }
      this.#lists.append(element);
    }
    const collapse = localLabel(h("button", { type: "button", class: "side-toggle icon-button", "aria-expanded": "true" }, icon("panel")), "side.show", true);
    this.element = localLabel(h("aside", { class: "side" }, collapse, h("div", { class: "side-body" }, h("div", { class: "side-home" }, tabs, this.#lists), this.#detail), evaluation.element), "side.label");
    collapse.addEventListener("click", () => {
      const folded = this.element.classList.toggle("folded");
      attribute(collapse, "aria-expanded", String(!folded));
      onRoom();
    });
    this.#open("events");
    window.setInterval(() => this.refresh(), 1_000);
    city.onFrame((changes) => {
      if (changes.events || changes.alarms || changes.agents || changes.intersections || changes.cameras.size > 0) this.refresh();
      if (this.#selection?.kind === "camera" && changes.cameras.has(this.#selection.id)) this.#camera.pictureChanged();
      if (this.#selection?.kind === "intersection" && changes.signals.has(this.#selection.id)) this.#intersection.refresh();
    });
    this.show(null);
  }

  /** Pixels of the map that lie under this panel. */
  room(): { right: number; bottom: number } {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (this.element.classList.contains("folded")) return { right: 0, bottom: 0 };
    const isBelow = width > window.innerWidth * 0.6;
    return isBelow ? { right: 0, bottom: height } : { right: width, bottom: 0 };
  }

  /** Opens the detail of `selection`, or with null goes back to the lists and to where the focus was. */
  show(selection: Selection): void {
    if (selection && !this.#selection) this.#opener = document.activeElement;
    this.#selection = selection;
    this.element.classList.toggle("detailed", selection !== null);
    this.#intersection.show(selection?.kind === "intersection" ? selection.id : null);
    this.#camera.show(selection?.kind === "camera" ? selection.id : null, selection?.why);
    this.#case.show(selection?.kind === "case" ? selection.id : null);
    this.report.show(selection?.kind === "report" ? selection.id : null);
    const details = { intersection: this.#intersection, camera: this.#camera, case: this.#case, report: this.report };
    const part = selection === null ? null : details[selection.kind];
    this.#detail.replaceChildren(...(part ? [part.element] : []));
    if (part) {
      this.element.classList.remove("folded");
      part.element.focus({ preventScroll: true });
    } else if (this.#opener instanceof HTMLElement && this.#opener.isConnected) {
      this.#opener.focus({ preventScroll: true });
    }
    this.refresh();
  }

  refresh(): void {
    for (const [tab, { badge }] of this.#buttons) {
      const count = this.#parts[tab].count?.() ?? 0;
      text(badge, count > 0 ? String(count) : "");
      attribute(badge, "hidden", count === 0);
    }
    if (this.#selection?.kind === "intersection") this.#intersection.refresh();
    else if (this.#selection?.kind === "camera") this.#camera.refresh();
    else if (this.#selection?.kind === "case") this.#case.refresh();
    else if (this.#selection?.kind === "report") this.report.refresh();
    else this.#parts[this.#tab].refresh();
  }

  #tabButton(tab: Tab): HTMLButtonElement {
    const badge = h("span", { class: "badge", hidden: true });
    const button = h(
      "button",
      { type: "button", role: "tab", id: `tab-${tab}`, "aria-controls": `panel-${tab}`, click: () => this.#open(tab) },
      said("span", "", `side.${tab}` satisfies Key),
      badge,
    );
    this.#buttons.set(tab, { button, badge });
    return button;
  }

  #open(tab: Tab): void {
    this.#tab = tab;
    for (const [name, { button }] of this.#buttons) {
      attribute(button, "aria-selected", String(name === tab));
      attribute(button, "tabindex", name === tab ? 0 : -1);
      attribute(this.#parts[name].element, "hidden", name !== tab);
    }
    this.refresh();
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const tabs = this.#tabs;
    const next = tabs[(tabs.indexOf(this.#tab) + step + tabs.length) % tabs.length] ?? "events";
    this.#open(next);
    this.#buttons.get(next)?.button.focus();
  }
}
