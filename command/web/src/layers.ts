/** Which layers of the map are shown; all, unless one was put away. */

export const LAYERS = ["lanes", "signals", "cameras", "silent", "names"] as const;
export type Layer = (typeof LAYERS)[number];

const KEY = "citybrain.layers";
const listeners = new Set<() => void>();
let hidden: ReadonlySet<Layer> = new Set(remembered());

function remembered(): Layer[] {
  try {
    return known(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
  } catch {
    return []; // storage may be forbidden; everything is shown
  }
}

function known(names: unknown): Layer[] {
  return Array.isArray(names) ? LAYERS.filter((layer) => names.includes(layer)) : [];
}

export const isShown = (layer: Layer): boolean => !hidden.has(layer);
export const hiddenLayers = (): Layer[] => [...hidden];

export function hideLayers(names: readonly string[]): void {
  hidden = new Set(known(names));
  try {
    localStorage.setItem(KEY, JSON.stringify([...hidden]));
  } catch {
    // forgotten at the next visit, and nothing worse
  }
  for (const listener of listeners) listener();
}

export function onLayers(listener: () => void): void {
  listeners.add(listener);
}
