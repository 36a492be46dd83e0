/** Fields of the short forms by which things are done with a case. */
import { attribute, h } from "../dom";
import { t, type Key } from "../i18n";

export interface Answer {
  element: HTMLElement;
  /** What is sent, under this name; undefined leaves it out. */
  name: string;
  value: () => unknown;
  /** Whether something that is needed is missing. */
  isMissing: () => boolean;
  focus: () => void;
}

let number = 0;

function labelled(label: string, input: HTMLElement, hint = ""): HTMLElement {
  const id = `case-field-${++number}`;
  attribute(input, "id", id);
  const note = hint ? h("p", { class: "field-hint", id: `${id}-hint` }, hint) : null;
  if (note) attribute(input, "aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: id, class: "field-label" }, label), input, note);
}

/** A text of several lines. */
export function words(name: string, label: Key, isNeeded: boolean, hint = ""): Answer {
  const input = h("textarea", { class: "field-input", rows: 2, maxlength: 2000, required: isNeeded });
  const value = () => input.value.trim();
  const title = isNeeded ? t(label) : `${t(label)} ${t("cases.optional")}`;
  const isMissing = () => isNeeded && value() === "";
  return { element: labelled(title, input, hint), name, value: () => (isNeeded ? value() : value() || undefined), isMissing, focus: () => input.focus() };
}

/** One line, with values to choose from. */
export function line(name: string, label: Key, isNeeded: boolean, values: readonly string[] = [], hint = ""): Answer {
  const list = h("datalist", { id: `case-list-${++number}` }, ...values.map((value) => h("option", { value })));
  const input = h("input", { class: "field-input", type: "text", maxlength: 200, list: list.id, required: isNeeded, autocomplete: "off" });
  const title = isNeeded ? t(label) : `${t(label)} ${t("cases.optional")}`;
  const element = labelled(title, input, hint);
  element.append(list);
  const value = () => input.value.trim();
  return { element, name, value: () => value() || undefined, isMissing: () => isNeeded && value() === "", focus: () => input.focus() };
}

/** One of many, by name. */
export function choose(name: string, label: Key, options: readonly Option[]): Answer {
  const input = h("select", { class: "field-input" }, ...options.map((option, i) => h("option", { value: String(i) }, option.more ? `${option.label}: ${option.more}` : option.label)));
  return { element: labelled(t(label), input), name, value: () => options[input.selectedIndex]?.value, isMissing: () => false, focus: () => input.focus() };
}

/** One of a few, each with a line that says more; the first is chosen. */
export function pick(name: string, label: Key, options: readonly Option[]): Answer {
  const group = `case-pick-${++number}`;
  const inputs = options.map((option, i) => {
    const input = h("input", { type: "radio", name: group, value: String(i), checked: i === 0, disabled: option.isOff ?? false });
    const body = h("span", { class: "pick-body" }, h("span", { class: "pick-name" }, option.label), option.more ? h("span", { class: "pick-more" }, option.more) : null);
    return { input, element: h("label", { class: "pick" }, input, body) };
  });
  const element = h("fieldset", { class: "picks" }, h("legend", { class: "field-label" }, t(label)), ...inputs.map((one) => one.element));
  const chosen = () => options[inputs.findIndex(({ input }) => input.checked)];
  return { element, name, value: () => chosen()?.value, isMissing: () => chosen() === undefined, focus: () => inputs.find(({ input }) => input.checked)?.input.focus() };
}

/** What is only read: names, each with a line that says more. */
export function info(label: Key, items: readonly { label: string; more: string; isOff: boolean }[]): Answer {
  const rows = items.map((item) => h("li", { "data-off": item.isOff }, h("span", { class: "pick-name" }, item.label), h("span", { class: "pick-more" }, item.more)));
  const element = h("div", { class: "field" }, h("span", { class: "field-label" }, t(label)), h("ul", { class: "case-units" }, ...rows));
  return { element, name: "", value: () => undefined, isMissing: () => false, focus: () => undefined };
}

export interface Option {
  label: string;
  value: unknown;
  more?: string;
  isOff?: boolean;
}
