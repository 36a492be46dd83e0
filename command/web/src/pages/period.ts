/** Fields for a day and a time. */
import { h } from "../dom";
import { localText, type Key } from "../i18n";
import { localIso } from "../playback/bar";

let count = 0;

/** As a field of minutes wants it, local. */
export const picked = (at_ms: number): string => localIso(at_ms).slice(0, 16);

export interface When {
  element: HTMLElement;
  input: HTMLInputElement;
  /** The instant; empty where none is given, which the server names. */
  iso: () => string;
}

export function whenField(label: Key): When {
  const id = `when-${++count}`;
  const input = h("input", { id, type: "datetime-local", class: "field-input" });
  const element = h("div", { class: "field" }, localText(h("label", { class: "field-label", for: id }), label), input);
  const iso = () => {
    const at_ms = Date.parse(input.value);
    return Number.isNaN(at_ms) ? "" : new Date(at_ms).toISOString();
  };
  return { element, input, iso };
}
