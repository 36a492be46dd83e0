/** A group of buttons of which one is pressed, bound to a setting. */
import { attribute, h } from "../dom";
import { localLabel, type Key } from "../i18n";
import { choose, onSettings, settings, type Settings } from "../settings";

export function choice<K extends keyof Settings>(
  setting: K,
  label: Key,
  options: readonly { value: Settings[K]; content: () => Node; label?: Key; language?: string }[],
): HTMLElement {
  const group = localLabel(h("div", { class: "choice", role: "group", "data-setting": setting }), label);
  const buttons = options.map(({ value, content, label: name, language }) => {
    const press = () => choose(setting, value);
    const button = h("button", { type: "button", "data-value": value, lang: language ?? null, click: press }, content());
    if (name) localLabel(button, name, true);
    return { value, button };
  });
  const press = () => {
    for (const { value, button } of buttons) attribute(button, "aria-pressed", String(settings[setting] === value));
  };
  press();
  onSettings(press);
  group.append(...buttons.map(({ button }) => button));
  return group;
}
