/** Texts in the chosen language, and elements that follow it when it is switched. */
import { attribute, h, text } from "../dom";
import { onSettings, settings, type Language } from "../settings";
import { en, type Key as MapKey } from "./en";
import type { FieldKey } from "./field.en";
import type { ReportKey } from "./report.en";
import { zh } from "./zh";

export type Key = MapKey | FieldKey | ReportKey;
type Texts = Partial<Record<Key, string>>;

const TEXTS: Record<Language, Texts> = { en: { ...en }, zh: { ...zh } };
export const LANGUAGE_NAMES: Record<Language, string> = { en: "English", zh: "中文" };
const LOCALES: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };

export type Values = Record<string, string | number>;

let title: Key = "app.title";

/** Adds the texts of one page; each page brings its own, so that none loads those of another. */
export function addTexts(more: Record<Language, Texts>): void {
  for (const language of Object.keys(TEXTS) as Language[]) Object.assign(TEXTS[language], more[language]);
}

/** Names the page, and its language for screen readers. */
export function entitle(key: Key): void {
  title = key;
  document.documentElement.lang = settings.language === "zh" ? "zh-Hans" : "en";
  document.title = t(title);
}

/** The text of `key` in the chosen language. */
export function t(key: Key, values: Values = {}): string {
  return (TEXTS[settings.language][key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) =>
    String(values[name] ?? whole),
  );
}

/** The text of `prefix.value`, or `value` itself where the server is newer than this page. */
export function term(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in TEXTS.en ? t(key as Key) : value;
}

const followers: { element: WeakRef<Element>; write: (element: Element) => void }[] = [];

function follow<E extends Element>(element: E, write: (element: E) => void): E {
  write(element);
  followers.push({ element: new WeakRef(element), write: write as (element: Element) => void });
  return element;
}

/** Keeps a permanent element's text in the chosen language. */
export const localText = <E extends Element>(element: E, key: Key): E =>
  follow(element, (target) => text(target, t(key)));

/** Keeps a permanent element's `aria-label` (and tooltip) in the chosen language. */
export const localLabel = <E extends Element>(element: E, key: Key, tooltip = false): E =>
  follow(element, (target) => {
    attribute(target, "aria-label", t(key));
    if (tooltip) attribute(target, "title", t(key));
  });

/** A permanent `<tag class>` with the text of `key`. */
export const said = (tag: "span" | "h2" | "h3" | "p" | "div" | "button", className: string, key: Key) =>
  localText(h(tag, className ? { class: className } : {}), key);

onSettings((_, changed) => {
  if (changed !== "language") return;
  entitle(title);
  for (const { element, write } of followers) {
    const target = element.deref();
    if (target) write(target);
  }
});

const locale = (): string => LOCALES[settings.language];

/** A number with the language's separators; "–" for none. */
export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Day and time of day, local, the year only where it is another one. */
export function dateTime(at: string | number | Date): string {
  const when = new Date(at);
  const year = when.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" as const };
  return when.toLocaleString(locale(), { ...year, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
}

/** An age in the largest unit that fits. */
export function age(seconds: number): string {
  if (seconds < 90) return t("age.s", { n: Math.round(seconds) });
  if (seconds < 5400) return t("age.min", { n: Math.round(seconds / 60) });
  if (seconds < 129_600) return t("age.h", { n: Math.round(seconds / 3600) });
  return t("age.d", { n: Math.round(seconds / 86_400) });
}

/** Time of day, local. */
export function timeOfDay(at: string | number | Date): string {
  return new Date(at).toLocaleTimeString(locale(), { hour12: false });
}

/** Day and time, local, with weekday. */
export function dayAndTime(at: string | number | Date): string {
  return new Date(at).toLocaleString(locale(), {
    weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hour12: false,
  }); // prettier-ignore
}

/** Day and hour, local; the day alone where `isDay`. */
export function dayAndHour(at: string | number | Date, isDay: boolean): string {
  const hour = isDay ? {} : ({ hour: "2-digit", minute: "2-digit", hour12: false } as const);
  return new Date(at).toLocaleString(locale(), { month: "short", day: "numeric", ...hour });
}
