/** What waits to be sent, what was refused and what to do about it, and what was sent of late. */
import { attribute, h, keyed, text } from "../../dom";
import { said, t, timeOfDay, type Key } from "../../i18n";
import type { Field } from "../field";
import type { Page } from "../shell";
import type { Entry } from "../store";
import type { Whereabouts } from "../whereabouts";
import { className, entryText } from "../words";

const HINTS: Record<string, Key> = { conflict: "field.refused.conflict", gone: "field.refused.gone", invalid: "field.refused.invalid" };

export class WaitingPage implements Page {
  readonly element: HTMLElement;
  readonly title = "field.outbox";
  readonly #field: Field;
  readonly #whereabouts: Whereabouts;
  readonly #refused = h("ul", { class: "rows" });
  readonly #waiting = h("ul", { class: "rows" });
  readonly #sent = h("ul", { class: "rows sent" });
  readonly #none = said("p", "hint", "field.nothing_waits");
  readonly #refusedTitle = said("h2", "group-title", "field.refused");
  readonly #try = said("button", "secondary", "field.send_now");

  constructor(field: Field, whereabouts: Whereabouts) {
    this.#field = field;
    this.#whereabouts = whereabouts;
    this.#try.addEventListener("click", () => field.kick());
    this.element = h(
      "div", { class: "page" }, this.#refusedTitle, this.#refused, said("h2", "group-title", "field.waiting"),
      this.#none, this.#waiting, this.#try, said("h2", "group-title", "field.sent"), this.#sent,
    ); // prettier-ignore
  }

  refresh(): void {
    const { refused, waiting, sent } = this.#field;
    attribute(this.#refusedTitle, "hidden", refused.length === 0);
    attribute(this.#none, "hidden", waiting.length > 0);
    attribute(this.#try, "hidden", waiting.length === 0);
    const key = ({ order }: Entry) => String(order);
    keyed(this.#refused, refused, key, (entry) => this.#refusedRow(entry), (row, entry) => this.#write(row, entry)); // prettier-ignore
    keyed(this.#waiting, waiting, key, () => line(), (row, entry) => this.#write(row, entry)); // prettier-ignore
    keyed(this.#sent, sent, ({ entry }) => entry.id, () => line(), (row, { entry, at, number }) => {
      this.#write(row, entry, t("field.sent_at", { at: timeOfDay(at).slice(0, 5) }), number);
    }); // prettier-ignore
  }

  #write(row: HTMLElement, entry: Entry, facts?: string, number = entry.number): void {
    const place = (name: string) => row.querySelector(`.row-${name}`) as HTMLElement;
    text(place("title"), entryText(entry));
    const name = entry.class ? className(this.#field.classes.get(entry.class), entry.class) : "";
    text(place("detail"), [name, number].filter(Boolean).join(" · "));
    text(place("facts"), facts ?? t("field.done_at", { at: timeOfDay(entry.at).slice(0, 5) }));
  }

  #refusedRow(entry: Entry): HTMLLIElement {
    const row = line();
    attribute(row, "data-tone", "bad");
    const hint = HINTS[entry.outcome ?? ""];
    row.append(h("p", { class: "row-message" }, entry.message), ...(hint ? [said("p", "hint", hint)] : []));
    const problem = h("p", { class: "form-problem", role: "alert" });
    const { deed } = entry;
    const edit = deed && "text" in deed ? h("textarea", { class: "field-input", rows: 2, maxlength: 2000 }) : null;
    if (edit && deed && "text" in deed) {
      edit.value = deed.text;
      edit.setAttribute("aria-label", t("field.remark"));
    }
    const act = (kind: string, label: Key, job: () => Promise<void>) => {
      const button = said("button", kind, label);
      button.addEventListener("click", () => void job().catch((error: Error) => text(problem, error.message)));
      return button;
    };
    const again = act("secondary", "field.do_again", () => this.#field.again(entry, edit?.value));
    const drop = act("secondary", "field.drop", () => this.#field.drop(entry));
    const isWork = deed?.do === "result" && entry.class !== "";
    const report = isWork ? act("secondary", "field.as_report", () => this.#field.asReport(entry, this.#placeOf(entry))) : null;
    row.append(...(edit ? [edit] : []), h("div", { class: "deeds" }, again, ...(report ? [report] : []), drop), problem);
    return row;
  }

  #placeOf(entry: Entry): [number, number] {
    const task = this.#field.tasks.find(({ id }) => id === entry.task);
    const place = task?.position ?? this.#whereabouts.last?.position;
    if (!place) throw new Error(t("field.no_position"));
    return place;
  }
}

function line(): HTMLLIElement {
  const parts = ["title", "facts", "detail"].map((name) => h("span", { class: `row-${name}` }));
  return h("li", { class: "row line" }, h("div", { class: "row-link" }, ...parts));
}
