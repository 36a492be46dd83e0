/** Search in the header: a combobox over everything on the map (WAI-ARIA's pattern with a list box). */
import { get } from "../api";
import type { LonLat } from "../contract";
import { attribute, h, text } from "../dom";
import { localLabel, said, t, term } from "../i18n";
import { onSettings } from "../settings";

export interface Hit {
  kind: string;
  id: string;
  label: string;
  detail: string;
  position: LonLat | null;
}

const WAIT_MS = 150;

export class Search {
  readonly #input = localLabel(
    h("input", { type: "search", class: "field-input search-input", role: "combobox", autocomplete: "off", maxlength: 64, "aria-expanded": "false", "aria-controls": "search-list", "aria-autocomplete": "list" }),
    "search.label",
  );
  readonly #list = h("ul", { class: "search-list card", id: "search-list", role: "listbox", hidden: true });
  readonly #none = said("p", "search-none card", "search.none");
  readonly element: HTMLElement;
  readonly #open: (hit: Hit) => void;
  #hits: Hit[] = [];
  #active = -1;
  #waiting: number | null = null;
  #turn = 0;

  constructor(open: (hit: Hit) => void) {
    this.#open = open;
    const named = () => {
      attribute(this.#input, "placeholder", t("search.placeholder"));
      attribute(this.#list, "aria-label", t("search.label"));
    };
    named();
    onSettings((_, changed) => changed === "language" && named());
    attribute(this.#none, "role", "status");
    attribute(this.#none, "hidden", true);
    this.element = h("div", { class: "search", role: "search" }, this.#input, this.#list, this.#none);
    this.#input.addEventListener("input", () => this.#soon());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => window.setTimeout(() => this.#fold(), 150));
    window.addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog");
      if (event.key !== "/" || isTyping) return;
      event.preventDefault();
      this.#input.focus();
    });
  }

  #soon(): void {
    if (this.#waiting !== null) window.clearTimeout(this.#waiting);
    this.#waiting = window.setTimeout(() => void this.#find(), WAIT_MS);
  }

  async #find(): Promise<void> {
    const wanted = this.#input.value.trim();
    const turn = ++this.#turn;
    if (!wanted) return this.#fold();
    const hits = await get<{ items: Hit[] }>(`/search?q=${encodeURIComponent(wanted)}`).then(({ items }) => items, (): Hit[] => []); // prettier-ignore
    if (turn !== this.#turn) return;
    this.#hits = hits;
    this.#active = -1;
    this.#list.replaceChildren(
      ...hits.map((hit, i) => {
        const item = h("li", { role: "option", id: `search-${i}`, "aria-selected": "false", class: "search-hit" }, h("b", {}, hit.label), h("span", {}, [term("search.kind", hit.kind), hit.detail].filter(Boolean).join(" · ")));
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.#take(i);
        });
        return item;
      }),
    );
    attribute(this.#list, "hidden", hits.length === 0);
    attribute(this.#none, "hidden", hits.length > 0);
    attribute(this.#input, "aria-expanded", String(hits.length > 0));
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && this.#hits.length > 0) {
      event.preventDefault();
      this.#mark((this.#active + step + this.#hits.length) % this.#hits.length);
    } else if (event.key === "Enter") this.#take(Math.max(0, this.#active));
    else if (event.key === "Escape") {
      event.stopPropagation();
      this.#fold();
      this.#input.value = "";
      this.#input.blur();
    }
  }

  #mark(active: number): void {
    this.#active = active;
    for (const [i, item] of [...this.#list.children].entries()) attribute(item, "aria-selected", String(i === active));
    attribute(this.#input, "aria-activedescendant", `search-${active}`);
    this.#list.children[active]?.scrollIntoView({ block: "nearest" });
  }

  #take(place: number): void {
    const hit = this.#hits[place];
    if (!hit) return;
    this.#input.value = hit.label;
    this.#fold();
    this.#open(hit);
  }

  #fold(): void {
    this.#turn++;
    this.#hits = [];
    attribute(this.#list, "hidden", true);
    attribute(this.#none, "hidden", true);
    attribute(this.#input, "aria-expanded", "false");
    attribute(this.#input, "aria-activedescendant", null);
    text(this.#list, "");
  }
}
