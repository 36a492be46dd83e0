/** The form by which somebody at the desk takes in a case: by hand, or filled in from an alarm or event. */
import type { LonLat } from "../contract";
import { attribute, h, text } from "../dom";
import { localLabel, localText, number, said, t } from "../i18n";
import { icon } from "../panels/icons";
import type { Part, Selection } from "../panels/situation";
import { onSettings, settings } from "../settings";
import type { CaseBook } from "./book";
import { calls, newId } from "./calls";
import type { CaseClass, Draft } from "./contract";

const EMPTY: Draft = { class: null, position: null, text: "", alarm: null };

export class ReportPanel implements Part {
  readonly element: HTMLElement;
  readonly #book: CaseBook;
  readonly #select: (selection: Selection) => void;
  readonly #class = h("select", { class: "field-input", id: "report-class", required: true });
  readonly #text = h("textarea", { class: "field-input", id: "report-text", rows: 3, maxlength: 2000 });
  readonly #address = h("input", { class: "field-input", id: "report-address", type: "text", maxlength: 200, autocomplete: "off" });
  readonly #place = h("output", { class: "report-place", for: "map" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #send = localText(h("button", { type: "submit", class: "primary" }), "report.send");
  #draft: Draft = EMPTY;
  #id = newId();
  #isOpen = false;
  #offered = "";
  /** Told where the case would lie, to be marked on the map; null when the form is left. */
  onPlace: (position: LonLat | null) => void = () => undefined;
  /** The middle of the map, for those who do not click on it. */
  middle: () => LonLat | null = () => null;

  constructor(book: CaseBook, select: (selection: Selection) => void) {
    this.#book = book;
    this.#select = select;
    const back = localLabel(h("button", { type: "button", class: "icon-button", click: () => select(null) }, icon("left")), "side.close", true);
    const labelled = (id: string, key: "cases.class" | "report.text" | "report.address", input: HTMLElement) =>
      h("div", { class: "field" }, localText(h("label", { for: id, class: "field-label" }), key), input);
    const place = h("div", { class: "field" }, said("span", "field-label", "cases.place"), this.#place, said("p", "field-hint", "report.place_hint"), this.#middleButton());
    const form = h(
      "form",
      { class: "form", novalidate: true, submit: (event: Event) => this.#submit(event), input: () => text(this.#problem, "") },
      labelled("report-class", "cases.class", this.#class),
      place,
      labelled("report-text", "report.text", this.#text),
      labelled("report-address", "report.address", this.#address),
      this.#problem,
      this.#send,
    );
    this.element = h("section", { class: "part detail report-detail", tabindex: -1 }, h("header", { class: "detail-head" }, back, said("h2", "", "report.title")), form);
    book.onChange(() => this.refresh());
    onSettings((_, changed) => changed === "language" && this.refresh());
  }

  /** Fills the form in, and says what kept a case from being made at once; `show` opens it. */
  fill(draft: Draft, problem = ""): void {
    this.#draft = draft;
    this.#id = newId();
    this.refresh();
    this.#class.value = draft.class ?? "";
    this.#text.value = draft.text;
    this.#address.value = "";
    text(this.#problem, problem);
    this.#writePlace();
  }

  show(id: string | null): void {
    const isOpen = id !== null;
    if (isOpen && !this.#isOpen && this.#draft === EMPTY) this.fill({ ...EMPTY });
    if (!isOpen) this.#draft = EMPTY;
    this.#isOpen = isOpen;
    this.onPlace(this.#draft.position);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A click on the map, while the form is open. */
  place(position: LonLat): void {
    this.#draft = { ...this.#draft, position };
    text(this.#problem, "");
    this.#writePlace();
    this.onPlace(position);
  }

  #middleButton(): HTMLElement {
    const take = () => {
      const position = this.middle();
      if (position) this.place(position);
    };
    return localText(h("button", { type: "button", class: "link", click: take }), "report.middle");
  }

  refresh(): void {
    const groups = Map.groupBy(this.#book.classes.values(), (one) => (settings.language === "zh" ? one.major_zh : one.major));
    const offered = JSON.stringify([settings.language, [...this.#book.classes.keys()]]);
    if (offered === this.#offered) return;
    this.#offered = offered;
    const chosen = this.#class.value;
    const option = ({ code }: CaseClass) => h("option", { value: code }, this.#book.className(code));
    const group = ([label, members]: [string, CaseClass[]]) => h("optgroup", { label }, ...members.map(option));
    this.#class.replaceChildren(h("option", { value: "" }, t("report.choose")), ...[...groups].map(group));
    this.#class.value = chosen;
    this.#writePlace();
  }

  #writePlace(): void {
    const { position } = this.#draft;
    text(this.#place, position ? `${number(position[1], 5)}, ${number(position[0], 5)}` : t("report.no_place"));
    attribute(this.#place, "data-known", position !== null);
  }

  #submit(event: Event): void {
    event.preventDefault();
    const { position, alarm } = this.#draft;
    const missing = this.#class.value === "" ? "report.no_class" : position === null ? "report.no_place" : null;
    if (missing) {
      text(this.#problem, t(missing));
      if (missing === "report.no_class") this.#class.focus();
      return;
    }
    const body = { id: this.#id, class: this.#class.value, position, text: this.#text.value.trim(), address: this.#address.value.trim(), alarm };
    attribute(this.#send, "disabled", true);
    text(this.#problem, "");
    // Sent again after a torn line it is the same report: its id stays.
    calls
      .report(body)
      .then((made) => {
        if (!made) return;
        this.#book.take([made]);
        this.#select({ kind: "case", id: made.id });
      })
      .catch((error: Error) => text(this.#problem, error.message))
      .finally(() => attribute(this.#send, "disabled", false));
  }
}
