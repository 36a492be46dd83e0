/** Layers to show or put away, and views that this account saved. */
import { get } from "../api";
import type { LonLat } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { localLabel, said, t } from "../i18n";
import { hiddenLayers, hideLayers, isShown, LAYERS, onLayers } from "../layers";
import { may, send, who } from "../session/session";
import { choose, settings, type Colouring } from "../settings";
import { icon } from "./icons";

interface SavedView {
  view: string;
  center: LonLat;
  zoom: number;
  colouring: Colouring;
  hidden: string[];
}

/** Where the map stands. */
export interface Standing {
  center: LonLat;
  zoom: number;
}

export class LayerPanel {
  readonly element: HTMLElement;
  readonly #list = h("ul", { class: "view-list" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #go: (standing: Standing) => void;

  constructor(now: () => Standing, go: (standing: Standing) => void) {
    this.#go = go;
    const boxes = LAYERS.map((layer) => {
      const input = h("input", { type: "checkbox", "data-layer": layer });
      const show = () => (input.checked = isShown(layer));
      show();
      onLayers(show);
      input.addEventListener("change", () => hideLayers(LAYERS.filter((one) => (one === layer ? !input.checked : !isShown(one)))));
      return h("li", {}, h("label", { class: "look-purpose" }, input, said("span", "", `layers.${layer}`)));
    });
    const name = localLabel(h("input", { type: "text", class: "field-input view-name", maxlength: 64, autocomplete: "off", required: true }), "views.name");
    const save = said("button", "secondary", "views.save");
    attribute(save, "type", "submit");
    const form = h("form", { class: "view-form", novalidate: true }, name, save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const called = name.value.trim().replaceAll("/", "-");
      if (called) void this.#save(called, now()).then(() => (name.value = ""));
    });
    const own = h("div", {}, said("h2", "", "views.title"), this.#list, form, this.#problem);
    // A kiosk has no account that could keep anything.
    attribute(own, "hidden", !may("own_account") || who()?.by !== "session");
    this.element = localLabel(h("section", { class: "layer-panel card", hidden: true }, said("h2", "", "layers.title"), h("ul", {}, ...boxes), own), "layers.title");
  }

  /** Opens or folds it away; whether it is open now. */
  toggle(): boolean {
    const isOpen = this.element.hasAttribute("hidden");
    attribute(this.element, "hidden", !isOpen);
    if (isOpen) {
      void this.#fetch();
      this.element.querySelector("input")?.focus();
    }
    return isOpen;
  }

  async #fetch(): Promise<void> {
    if (who()?.by !== "session") return;
    await this.#try(async () => this.#show((await get<{ items: SavedView[] }>("/me/views")).items));
  }

  async #save(name: string, { center, zoom }: Standing): Promise<void> {
    const body = { center, zoom, colouring: settings.colouring, hidden: hiddenLayers() };
    await this.#try(() => send("PUT", `/me/views/${encodeURIComponent(name)}`, body));
    await this.#fetch();
  }

  async #try(deed: () => Promise<unknown>): Promise<void> {
    try {
      await deed();
      text(this.#problem, "");
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
  }

  #show(views: SavedView[]): void {
    const make = ({ view }: SavedView) => {
      const open = h("button", { type: "button", class: "link view-open" });
      const remove = h("button", { type: "button", class: "icon-button", title: t("views.remove", { name: view }) }, icon("close"));
      attribute(remove, "aria-label", t("views.remove", { name: view }));
      remove.addEventListener("click", () => void this.#try(() => send("DELETE", `/me/views/${encodeURIComponent(view)}`)).then(() => this.#fetch()));
      return h("li", {}, open, remove);
    };
    keyed(this.#list, views, ({ view }) => view, make, (item, view) => {
      const open = item.firstElementChild as HTMLButtonElement;
      text(open, view.view);
      open.onclick = () => {
        hideLayers(view.hidden);
        choose("colouring", view.colouring);
        this.#go(view);
      };
    });
  }
}
