/** Messages and roll-calls. */
import { attribute, h, keyed, text } from "../../dom";
import { age, said, t } from "../../i18n";
import { headline } from "../alerts";
import type { Message } from "../contract";
import type { Field } from "../field";
import type { Page } from "../shell";

export class MessagesPage implements Page {
  readonly element: HTMLElement;
  readonly title = "field.messages";
  readonly #field: Field;
  readonly #list = h("ul", { class: "rows" });
  readonly #none = said("p", "hint", "field.no_messages");

  constructor(field: Field) {
    this.#field = field;
    this.element = h("div", { class: "page" }, this.#none, this.#list);
    void field.readAll();
  }

  refresh(): void {
    const { messages } = this.#field;
    attribute(this.#none, "hidden", messages.length > 0);
    keyed(this.#list, messages, ({ id }) => String(id), (message) => this.#row(message), (row, message) => this.#write(row, message)); // prettier-ignore
  }

  #row(message: Message): HTMLLIElement {
    const parts = ["title", "facts", "detail"].map((name) => h("span", { class: `row-${name}` }));
    const row = h("li", { class: "row message" });
    const leads = message.task && this.#field.tasks.some(({ id }) => id === message.task);
    row.append(leads ? h("a", { class: "row-link", href: `#/task/${message.task}` }, ...parts) : h("div", { class: "row-link" }, ...parts));
    if (message.kind === "roll_call" && message.roll_call) {
      const here = said("button", "primary", "field.present");
      const { roll_call } = message;
      here.addEventListener("click", () => {
        here.remove();
        void this.#field.present(roll_call);
      });
      row.append(here);
    }
    return row;
  }

  #write(row: HTMLElement, message: Message): void {
    const place = (name: string) => row.querySelector(`.row-${name}`) as HTMLElement;
    attribute(row, "data-unread", message.read_at === null);
    text(place("title"), headline(message));
    text(place("facts"), t("field.ago", { age: age(Math.max(0, (Date.now() - Date.parse(message.at)) / 1000)) }));
    text(place("detail"), message.kind === "task.offered" ? "" : message.text);
    const isAnswered = this.#field.sent.some(({ entry }) => entry.rollCall && entry.rollCall === message.roll_call);
    const isWaiting = this.#field.entries.some(({ rollCall }) => rollCall && rollCall === message.roll_call);
    const button = row.querySelector("button");
    if (isAnswered || isWaiting) {
      button?.remove();
      text(place("detail"), t(isAnswered ? "field.present.told" : "field.present.waiting"));
    }
  }
}
