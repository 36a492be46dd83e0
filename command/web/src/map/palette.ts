/** The map's colours, taken from the style sheet's tokens so that each theme is told in one place. */

const TOKENS = {
  ground: "--map-ground",
  casing: "--map-casing",
  road: "--map-road",
  junction: "--map-junction",
  label: "--map-label",
  halo: "--map-halo",
  green: "--signal-green",
  yellow: "--signal-yellow",
  red: "--signal-red",
  unknown: "--signal-unknown",
} as const;

export const RAMP_STEPS = 5;

export type Palette = Record<keyof typeof TOKENS, string> & { ramp: string[] };

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const colours = Object.fromEntries(Object.entries(TOKENS).map(([key, name]) => [key, token(name)]));
  const ramp = Array.from({ length: RAMP_STEPS }, (_, i) => token(`--strain-${i}`));
  return { ...(colours as Record<keyof typeof TOKENS, string>), ramp };
}
