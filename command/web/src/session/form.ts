/** Small forms: fields with visible labels, one place for what went wrong, no sending twice. */
import { attribute, h, text } from "../dom";
import { localText, said, t, type Key } from "../i18n";

export interface Field {
  element: HTMLElement;
  input: HTMLInputElement;
}

let number = 0;

/** A labelled input; `kind` is its type, `complete` what browsers may fill in. */
export function field(label: Key, kind: string, complete: string): Field {
  const id = `field-${++number}`;
  const input = h("input", { id, type: kind, autocomplete: complete, class: "field-input", required: true });
  const name = localText(h("label", { for: id, class: "field-label" }), label);
  return { element: h("div", { class: "field" }, name, input), input };
}

/** Digits of an authenticator. */
export function codeField(): Field {
  const made = field("session.code", "text", "one-time-code");
  attribute(made.input, "inputmode", "numeric");
  attribute(made.input, "maxlength", 8);
  return made;
}

/** A form that calls `send`; what it throws is shown, what it returns is its next message. */
export function form(submit: Key, fields: Field[], send: () => Promise<string | void>): HTMLFormElement {
  const problem = h("p", { class: "form-problem", role: "alert" });
  const button = said("button", "primary", submit);
  attribute(button, "type", "submit");
  const element = h("form", { class: "form", novalidate: true }, ...fields.map((one) => one.element), problem, button);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const empty = fields.find(({ element: place, input }) => !place.hidden && input.value.trim() === "");
    if (empty) {
      text(problem, t("session.empty"));
      empty.input.focus();
      return;
    }
    attribute(button, "disabled", true);
    text(problem, "");
    send()
      .then((message) => text(problem, message ?? ""))
      .catch((error: Error) => text(problem, error.message))
      .finally(() => attribute(button, "disabled", false));
  });
  return element;
}
