/** What this operator chose, remembered in this browser: theme, language, lane colouring, view. */

export const THEMES = ["auto", "day", "night", "contrast"] as const;
export type Theme = (typeof THEMES)[number];
/** On a wall the map stands alone: no panels, no controls. */
export type Wall = "off" | "on";
export type Language = "en" | "zh";
export type Colouring = "queue" | "speed";
export const VIEWS = ["map", "table", "cameras", "figures", "shift"] as const;
export type View = (typeof VIEWS)[number];

export interface Settings {
  theme: Theme;
  language: Language;
  colouring: Colouring;
  view: View;
  wall: Wall;
}

const KEY = "citybrain.map";
const CHOICES: { [K in keyof Settings]: readonly Settings[K][] } = {
  theme: THEMES,
  language: ["en", "zh"],
  colouring: ["queue", "speed"],
  view: VIEWS,
  wall: ["off", "on"],
};

type Listener = (settings: Readonly<Settings>, changed: keyof Settings) => void;

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const contrast = window.matchMedia("(prefers-contrast: more)");
const listeners = new Set<Listener>();
const current: Settings = {
  theme: "auto",
  language: navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en",
  colouring: "queue",
  view: "map",
  wall: "off",
  ...remembered(),
};

function remembered(): Partial<Settings> {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const known = Object.entries(CHOICES).filter(([key, choices]) =>
      (choices as readonly unknown[]).includes(kept[key]),
    );
    return Object.fromEntries(known.map(([key]) => [key, kept[key]]));
  } catch {
    return {}; // storage may be forbidden; the defaults serve
  }
}

export const settings: Readonly<Settings> = current;

export function choose<K extends keyof Settings>(key: K, value: Settings[K]): void {
  if (current[key] === value) return;
  current[key] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // forgotten at the next visit, and nothing worse
  }
  for (const listener of listeners) listener(current, key);
}

export function onSettings(listener: Listener): void {
  listeners.add(listener);
}

/** The theme in force: chosen, or by the system. */
export function effectiveTheme(): Exclude<Theme, "auto"> {
  if (current.theme !== "auto") return current.theme;
  if (contrast.matches) return "contrast";
  return dark.matches ? "night" : "day";
}

for (const wish of [dark, contrast]) {
  wish.addEventListener("change", () => {
    for (const listener of listeners) listener(current, "theme");
  });
}

export const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
