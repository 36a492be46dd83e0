/** One case in full: what is known, its stage and time, what may be done with it now, and its history. */
import type { City } from "../city";
import { attribute, h, keyed, text } from "../dom";
import { dateTime, localLabel, number, said, t, term } from "../i18n";
import { icon } from "../panels/icons";
import type { Part, Selection } from "../panels/situation";
import { onSettings } from "../settings";
import { Acts } from "./acts";
import { Attachments } from "./attachments";
import type { CaseBook } from "./book";
import { calls } from "./calls";
import type { CaseDetail, Duplicate, Task } from "./contract";
import { factsOf } from "./facts";
import { showHistory } from "./history";
import { mark, setMark } from "./mark";
import { showStage, stageLine } from "./stageline";
import { isEnded, leftText, runs } from "./timeleft";

export class CasePanel implements Part {
  readonly element: HTMLElement;
  readonly #city: City;
  readonly #book: CaseBook;
  readonly #select: (selection: Selection) => void;
  readonly #title = h("h2");
  readonly #number = h("span", { class: "mode-tag" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #line = stageLine();
  readonly #sign = mark();
  readonly #left = h("strong", { class: "case-time-left" });
  readonly #time = h("p", { class: "case-time-more" });
  readonly #acts: Acts;
  readonly #facts = h("dl", { class: "case-facts" });
  readonly #attachments = new Attachments();
  readonly #tasks = h("ul", { class: "case-tasks" });
  readonly #duplicates = h("ul", { class: "case-tasks case-same" });
  readonly #history = h("ol", { class: "case-history" });
  readonly #timeBox = h("div", { class: "case-time" }, this.#sign, h("div", {}, this.#left, this.#time));
  readonly #taskPart = h("section", {}, said("h3", "", "cases.sent"), this.#tasks);
  readonly #duplicatePart = h("section", {}, said("h3", "", "cases.duplicates"), this.#duplicates);
  readonly #body: HTMLElement;
  #id: string | null = null;
  #detail: CaseDetail | null = null;
  #fetches = 0;
  #asked_at = "";

  constructor(city: City, book: CaseBook, select: (selection: Selection) => void) {
    this.#city = city;
    this.#book = book;
    this.#select = select;
    this.#acts = new Acts(book, () => void this.#fetch());
    const back = localLabel(h("button", { type: "button", class: "icon-button", click: () => select(null) }, icon("left")), "side.close", true);
    const pictures = h("section", {}, this.#attachments.element);
    this.#body = h(
      "div",
      { class: "case-body" },
      this.#line, this.#timeBox, this.#acts.element, this.#facts, pictures, this.#duplicatePart, this.#taskPart,
      h("section", {}, said("h3", "", "cases.history"), this.#history),
    ); // prettier-ignore
    this.element = h("section", { class: "part detail case-detail", tabindex: -1 }, h("header", { class: "detail-head" }, back, this.#title, this.#number), this.#problem, this.#body);
    book.onChange(() => this.#news());
    onSettings((_, changed) => changed === "language" && this.#write());
  }

  show(id: string | null): void {
    if (id === this.#id) return;
    this.#id = id;
    this.#detail = null;
    this.#attachments.reset();
    text(this.#problem, "");
    attribute(this.#body, "hidden", true);
    const known = id === null ? undefined : this.#book.cases.get(id);
    text(this.#title, known ? this.#book.className(known.class) : t("cases.case"));
    text(this.#number, known?.number ?? "");
    if (id !== null) void this.#fetch();
  }

  /** Once a second: the time that is left. */
  refresh(): void {
    const known = this.#id === null ? undefined : this.#book.cases.get(this.#id);
    if (!known || !this.#detail) return;
    setMark(this.#sign, this.#book.urgency(known));
    attribute(this.#timeBox, "data-urgency", this.#book.urgency(known));
    text(this.#left, leftText(known));
  }

  /** The stream told of a change. */
  #news(): void {
    const known = this.#id === null ? undefined : this.#book.cases.get(this.#id);
    if (!known || !this.#detail || known.changed_at === this.#asked_at) return;
    if (Date.parse(known.changed_at) > Date.parse(this.#detail.case.changed_at)) void this.#fetch();
  }

  async #fetch(): Promise<void> {
    const id = this.#id;
    if (id === null) return;
    const fetch = ++this.#fetches;
    this.#asked_at = this.#book.cases.get(id)?.changed_at ?? "";
    try {
      const detail = await calls.detail(id);
      if (fetch !== this.#fetches || id !== this.#id) return;
      this.#detail = detail;
      this.#book.take([detail.case]);
      text(this.#problem, "");
      this.#write();
    } catch (error) {
      if (fetch === this.#fetches) text(this.#problem, (error as Error).message);
    }
  }

  #write(): void {
    const detail = this.#detail;
    if (!detail) return;
    const one = detail.case;
    attribute(this.#body, "hidden", false);
    text(this.#title, this.#book.className(one.class));
    text(this.#number, one.number);
    showStage(this.#line, one.stage);
    text(this.#time, this.#clockNotes(detail));
    this.#acts.show(detail);
    this.#writeFacts(detail);
    this.#attachments.show(detail.attachments);
    attribute(this.#duplicatePart, "hidden", detail.duplicates.length === 0);
    keyed(this.#duplicates, detail.duplicates, (other) => other.case, (other) => this.#makeDuplicate(other), writeDuplicate);
    attribute(this.#taskPart, "hidden", detail.tasks.length === 0);
    keyed(this.#tasks, detail.tasks, (task) => task.id, () => h("li", {}, h("span", { class: "task-head" }), h("span", { class: "task-why" })), writeTask);
    showHistory(this.#history, detail.entries);
    this.refresh();
  }

  #clockNotes({ case: one }: CaseDetail): string {
    const notes = [
      one.stage === "dismissed" || one.stage === "merged" ? t(`stage.${one.stage}`) : "",
      one.due_at && runs(one) ? t("cases.due", { at: dateTime(one.due_at) }) : "",
      one.due_at && !isEnded(one) ? t(`clock.${one.clock}`) : "",
      one.suspended ? t("cases.suspended") : one.suspensions > 0 ? t("cases.was_suspended") : "",
      one.extensions > 0 ? t("cases.extended", { n: one.extensions }) : "",
      one.overdue ? t("cases.was_late") : "",
      one.appeal === "none" ? "" : t(`appeal.${one.appeal}`),
      one.level > 0 ? t("alarms.escalated", { n: one.level }) : "",
    ];
    return notes.filter(Boolean).join(" · ");
  }

  #writeFacts(detail: CaseDetail): void {
    const { alarm } = detail.case;
    const make = () => h("div", {}, h("dt"), h("dd"));
    const rows = factsOf(detail, this.#book);
    const known = alarm === null ? undefined : this.#city.alarms.get(alarm);
    if (alarm !== null) rows.push({ name: t("cases.alarm"), value: known ? term("event", known.kind) : t("cases.alarm_over") });
    keyed(this.#facts, rows, ({ name }) => name, make, (row, { name, value }) => {
      const [label, said_] = [...row.children] as [HTMLElement, HTMLElement];
      text(label, name);
      if (name !== t("cases.alarm") || !known) return text(said_, value);
      if (said_.firstElementChild?.textContent === value) return;
      // Back to where it came from.
      const target: Selection = known.intersection ? { kind: "intersection", id: known.intersection } : known.camera ? { kind: "camera", id: known.camera, why: { purpose: "case", case: detail.case.number } } : null;
      said_.replaceChildren(target ? h("button", { type: "button", class: "link", "data-tool": "alarm", click: () => this.#select(target) }, value) : value);
    });
  }

  #makeDuplicate({ case: id }: Duplicate): HTMLLIElement {
    const open = () => this.#select({ kind: "case", id });
    return h("li", {}, h("button", { type: "button", class: "link", click: open }), h("span", { class: "task-why" }));
  }
}

function writeDuplicate(item: HTMLElement, { number: name, stage, distance_m, created_at }: Duplicate): void {
  const [head, why] = [...item.children] as [HTMLElement, HTMLElement];
  text(head, name);
  text(why, [t("deed.duplicate", { m: number(distance_m), stage: term("stage", stage) }), dateTime(created_at)].join(" · "));
}

function writeTask(item: HTMLElement, { kind, worker, state, answer, why, reason, offered_at, done_at }: Task): void {
  const [head, more] = [...item.children] as [HTMLElement, HTMLElement];
  const found = answer === null || state !== "done" || kind === "handle" ? "" : t(answer ? `task.${kind}.yes` : `task.${kind}.no`);
  text(head, [term("task", kind), worker, term("task_state", state), found].filter(Boolean).join(" · "));
  text(more, [why, reason, dateTime(done_at ?? offered_at)].filter(Boolean).join(" · "));
}
