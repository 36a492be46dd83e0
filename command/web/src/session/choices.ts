/** Choosing theme and language. */
import { h } from "../dom";
import { LANGUAGE_NAMES } from "../i18n";
import { choice } from "../panels/choice";
import { icon, type Icon } from "../panels/icons";
import type { Language, Theme } from "../settings";

const THEMES: Record<Theme, Icon> = { auto: "auto", day: "sun", night: "moon", contrast: "contrast" };

export function choices(): HTMLElement {
  const theme = choice("theme", "app.theme", (Object.keys(THEMES) as Theme[]).map((value) => ({
    value, content: () => icon(THEMES[value]), label: `app.theme.${value}` as const,
  }))); // prettier-ignore
  const language = choice("language", "app.language", (["en", "zh"] as Language[]).map((value) => ({
    value, content: () => document.createTextNode(LANGUAGE_NAMES[value]), language: value,
  }))); // prettier-ignore
  return h("div", { class: "sign-in-choices" }, theme, language);
}
