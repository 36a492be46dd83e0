/** Small hands for the document: elements without HTML strings, texts written only when they change. */

type Child = Node | string | null | false;
type Properties = Record<string, string | number | boolean | null | ((event: never) => void)>;

function fill(element: Element, properties: Properties, children: Child[]): void {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else attribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
}

/** An HTML element; function-valued properties are listeners, the others attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, properties, children);
  return element;
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(element, properties, children);
  return element;
}

export function text(element: Element, value: string): void {
  if (element.textContent !== value) element.textContent = value;
}

/** Sets, or with null and false removes, an attribute if that changes anything. */
export function attribute(element: Element, name: string, value: string | number | boolean | null): void {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const wanted = value === true ? "" : String(value);
  if (element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
}

/**
 * Brings `parent`'s children into the order of `items`, keeping elements (and with them focus) by key.
 * `make` builds an element once, `update` writes the item into it.
 */
export function keyed<T, E extends HTMLElement>(
  parent: Element,
  items: readonly T[],
  key: (item: T) => string,
  make: (item: T) => E,
  update: (element: E, item: T) => void,
): void {
  const old = new Map<string, E>();
  for (const child of parent.children) {
    const element = child as E;
    if (element.dataset["key"] !== undefined) old.set(element.dataset["key"], element);
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = old.get(name);
    if (element) old.delete(name);
    else {
      element = make(item);
      element.dataset["key"] = name;
    }
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const element of old.values()) element.remove();
}
