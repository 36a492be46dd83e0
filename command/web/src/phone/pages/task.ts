/** One task: what and where it is, the way there, and all that its worker does about it. */
import { attribute, h, text } from "../../dom";
import { age, localText, said, t, type Key } from "../../i18n";
import { icon } from "../../panels/icons";
import { photoButton, type Photo } from "../../photo";
import { call } from "../calls";
import type { Attachment, Deed, TaskKind } from "../contract";
import type { Field } from "../field";
import { FieldMap } from "../fieldmap";
import type { Shown } from "../overlay";
import type { Page } from "../shell";
import { voiceButton } from "../voice";
import { Way } from "../way";
import { className, dueText, entryText } from "../words";
import type { Whereabouts } from "../whereabouts";
import { stateText, toneOf } from "./tasks";

const REASONS: Key[] = ["field.reason.far", "field.reason.tools", "field.reason.busy", "field.reason.unsafe"];
const YES: Record<TaskKind, Key> = { check: "field.yes.check", verify: "field.yes.verify", handle: "field.yes.handle" };
const NO: Partial<Record<TaskKind, Key>> = { check: "field.no.check", verify: "field.no.verify" };
const ASKED: Record<TaskKind, Key> = { check: "field.ask.check", verify: "field.ask.verify", handle: "field.ask.handle" };

export class TaskPage implements Page {
  readonly element: HTMLElement;
  readonly title = "field.task";
  readonly #field: Field;
  readonly #id: string;
  readonly #way: Way;
  readonly #map: FieldMap;
  readonly #facts = h("div", { class: "task-facts card" });
  readonly #answer = h("section", { class: "stack" });
  readonly #work = h("section", { class: "stack" });
  readonly #queued = h("ul", { class: "queued" });
  readonly #pictures = h("div", { class: "pictures" });
  readonly #text = h("textarea", { class: "field-input", rows: 3, maxlength: 2000, id: "said" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #checkIn = h("p", { class: "hint" });
  readonly #onScene: HTMLElement;
  #shown: Shown;

  constructor(field: Field, whereabouts: Whereabouts, id: string) {
    this.#field = field;
    this.#id = id;
    this.#shown = this.#task() as Shown;
    this.#way = new Way(whereabouts, this.#shown.position);
    this.#map = new FieldMap(field, whereabouts, () => [
      { id, position: this.#shown.position, kind: "task", tone: toneOf(this.#shown), label: this.#shown.number },
    ]); // prettier-ignore
    attribute(this.#map.element, "hidden", true);
    this.#onScene = this.#button("primary", "field.on_scene", { do: "check_in", task: id, on_scene: true });
    this.#makeAnswer();
    this.#makeWork();
    const back = localText(h("a", { class: "back", href: "#/tasks" }), "field.back");
    const map = said("button", "secondary", "field.show_map");
    map.addEventListener("click", () => {
      attribute(this.#map.element, "hidden", false);
      map.remove();
      void this.#map.open();
    });
    const look = said("button", "secondary", "field.pictures");
    look.addEventListener("click", () => void this.#look(look));
    this.element = h(
      "div", { class: "page" }, back, this.#facts, this.#way.element, h("div", { class: "pair" }, map, look),
      this.#pictures, this.#map.element, this.#answer, this.#work, this.#queued,
    ); // prettier-ignore
    void field.store.get<string>(this.#draft).then((kept) => (this.#text.value ||= kept ?? ""));
    this.#text.addEventListener("input", () => void field.store.put(this.#draft, this.#text.value));
  }

  get #draft(): string {
    return `draft:${this.#id}`;
  }

  #task(): Shown | undefined {
    return this.#field.tasks.find(({ id }) => id === this.#id);
  }

  leave(): void {
    this.#way.close();
    this.#map.close();
  }

  #button(kind: string, label: Key, deed: Deed): HTMLElement {
    const button = said("button", kind, label);
    button.addEventListener("click", () => void this.#field.do(deed, this.#shown));
    return button;
  }

  #makeAnswer(): void {
    const { kind, must_accept } = this.#shown;
    const lead = said("p", "", ASKED[kind]);
    const accept = this.#button("primary", "field.accept", { do: "accept", task: this.#id });
    if (must_accept) {
      this.#answer.append(lead, accept, said("p", "hint", "field.must_accept"));
      return;
    }
    const why = h("input", { class: "field-input", id: "reason", maxlength: 200, autocomplete: "off" });
    const label = localText(h("label", { for: "reason", class: "field-label" }), "field.reason");
    const presets = REASONS.map((key) => {
      const preset = said("button", "chip", key);
      preset.addEventListener("click", () => (why.value = t(key)));
      return preset;
    });
    const problem = h("p", { class: "form-problem", role: "alert" });
    const send = said("button", "secondary", "field.refuse");
    send.addEventListener("click", () => {
      const reason = why.value.trim();
      text(problem, reason ? "" : t("field.needs_reason"));
      if (!reason) return why.focus();
      void this.#leaveWith({ do: "refuse", task: this.#id, reason });
    });
    const more = h("details", { class: "refusal" }, localText(h("summary", { class: "secondary" }), "field.refuse_open"));
    more.append(h("div", { class: "stack" }, h("div", { class: "chips" }, ...presets), label, why, problem, send));
    this.#answer.append(lead, accept, more);
  }

  #makeWork(): void {
    const { kind } = this.#shown;
    const allWell = this.#button("secondary", "field.all_well", { do: "check_in", task: this.#id, on_scene: false });
    const attach = (as: "before" | "after" | "voice") => (photo: Photo) => void this.#field.attach(this.#shown, as, photo);
    const failed = () => text(this.#problem, t("field.no_photo"));
    const photos = kind === "handle" ? (["before", "after"] as const) : ([kind === "check" ? "before" : "after"] as const);
    const buttons = photos.map((as) => photoButton(`field.photo.${as}`, as, attach(as), failed));
    const label = localText(h("label", { for: "said", class: "field-label" }), kind === "handle" ? "field.what_done" : "field.what_seen");
    const yes = said("button", "primary", YES[kind]);
    yes.addEventListener("click", () => this.#finish(true));
    const noKey = NO[kind];
    const no = noKey ? said("button", "secondary", noKey) : null;
    no?.addEventListener("click", () => this.#finish(false));
    this.#work.append(
      this.#onScene, h("div", { class: "pair" }, ...buttons), voiceButton(attach("voice")),
      label, this.#text, this.#problem, h("div", { class: "pair" }, no, yes), this.#checkIn, allWell,
    ); // prettier-ignore
  }

  #finish(answer: boolean): void {
    const said_ = this.#text.value.trim();
    const needsText = this.#shown.kind === "handle" || !answer;
    text(this.#problem, needsText && !said_ ? t(answer ? "field.needs_done" : "field.needs_why") : "");
    if (needsText && !said_) return this.#text.focus();
    void this.#leaveWith({ do: "result", task: this.#id, answer, text: said_ });
  }

  /** The last thing done for it here; what was typed goes only once it is kept elsewhere. */
  async #leaveWith(deed: Deed): Promise<void> {
    await this.#field.do(deed, this.#shown);
    await this.#field.store.put(this.#draft, undefined);
    location.hash = "#/tasks";
  }

  /** Pictures of the case as others took them; every look is recorded, and none is kept here. */
  async #look(button: HTMLElement): Promise<void> {
    try {
      const { attachments } = await call<{ attachments: Attachment[] }>("GET", `/cases/${this.#shown.case}`);
      const shown = attachments.map(({ id, kind, media_type }) => {
        const src = `/api/v1/attachments/${id}`;
        if (media_type.startsWith("audio/")) return h("audio", { src, controls: true });
        const name = t(kind === "report" ? "field.photo" : `field.what.${kind}`);
        return h("figure", {}, h("img", { src, alt: name }), h("figcaption", {}, name));
      });
      this.#pictures.replaceChildren(...(shown.length > 0 ? shown : [said("p", "hint", "field.no_pictures")]));
      button.remove();
    } catch {
      this.#pictures.replaceChildren(said("p", "hint", "field.pictures_need_network"));
    }
  }

  refresh(): void {
    const task = this.#task();
    if (!task) {
      attribute(this.#answer, "hidden", true);
      attribute(this.#work, "hidden", true);
      this.#facts.replaceChildren(said("p", "", "field.task_gone"));
      return;
    }
    this.#shown = task;
    this.#writeFacts(task);
    this.#way.refresh();
    attribute(this.#answer, "hidden", task.state !== "offered" || task.finished);
    attribute(this.#work, "hidden", task.state !== "accepted" || task.finished);
    attribute(this.#onScene, "hidden", task.on_scene_at !== null);
    const until_s = task.check_in_at ? (Date.parse(task.check_in_at) - Date.now()) / 1000 : null;
    text(this.#checkIn, until_s === null ? "" : until_s < 0 ? t("field.check_in_late") : t("field.check_in", { age: age(until_s) }));
    const own = this.#field.entries.filter((entry) => entry.task === task.id);
    this.#queued.replaceChildren(
      ...own.map((entry) => {
        const state = entry.state === "refused" ? t("field.entry.refused") : t("field.entry.waiting");
        return h("li", { "data-state": entry.state }, icon(entry.upload ? "photo" : "check"), `${entryText(entry)} · ${state}`);
      }),
    );
  }

  #writeFacts(task: Shown): void {
    attribute(this.#facts, "data-tone", toneOf(task));
    const line = (key: Key, value: string) => value && h("p", {}, h("span", { class: "faint" }, `${t(key)} `), value);
    this.#facts.replaceChildren(
      h("p", { class: "task-top" }, h("span", { class: "row-kind" }, t(`field.kind.${task.kind}`)), h("span", { class: "row-state" }, stateText(task))),
      h("h2", {}, className(this.#field.classes.get(task.class), task.class)),
      h("p", { class: "faint" }, [task.number, dueText(task.due_at)].filter(Boolean).join(" · ")),
      ...[task.text && h("p", {}, task.text), line("field.address", task.address), line("field.condition", task.condition), line("field.why", task.why)].filter((one) => one !== ""),
    ); // prettier-ignore
  }
}
