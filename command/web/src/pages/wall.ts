/** The camera wall: many cameras at once, after one reason for all of them. */
import { askWhy, watch, type Look } from "../cameras/look";
import { Screen } from "../cameras/screen";
import type { City } from "../city";
import { age_s } from "../clock";
import type { CameraNow } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, localLabel, number, said, t, term, type Key } from "../i18n";
import type { Selection } from "../panels/situation";
import { may } from "../session/session";
import { onSettings } from "../settings";
import type { Page } from "./pages";

const PAGE = 16;
const RATE_HZ = 2;

export class CameraWall implements Page {
  readonly #grid = h("div", { class: "wall-grid" });
  readonly #none = said("p", "empty", "cameras.none");
  readonly #filter = localLabel(h("input", { type: "search", class: "filter wall-filter", autocomplete: "off" }), "table.filter");
  readonly #look = said("button", "primary wall-look", "look.wall");
  readonly #stop = said("button", "secondary wall-stop", "look.stop");
  readonly #state = h("p", { class: "facts wall-state", role: "status" });
  readonly #pages = h("div", { class: "wall-pages" });
  readonly element: HTMLElement;
  readonly #city: City;
  readonly #select: (selection: Selection) => void;
  readonly #screens = new Map<string, Screen>();
  #page = 0;
  #why: Key = "look.first";
  #running: AbortController | null = null;

  constructor(city: City, select: (selection: Selection) => void) {
    this.#city = city;
    this.#select = select;
    const placeholder = () => attribute(this.#filter, "placeholder", t("table.filter"));
    placeholder();
    onSettings((_, changed) => changed === "language" && placeholder());
    this.#look.addEventListener("click", () => void this.#begin());
    this.#stop.addEventListener("click", () => this.#end("look.first"));
    this.#filter.addEventListener("input", () => this.#turn(0));
    const bar = h("div", { class: "page-bar" }, this.#filter, this.#look, this.#stop, this.#state, this.#pages);
    this.element = localLabel(h("section", { class: "page wall", tabindex: -1 }, bar, this.#none, this.#grid), "look.wall_label");
    city.onFrame((changes) => changes.cameras.size > 0 && !this.element.hidden && this.refresh());
  }

  /** Nobody looks at a wall that is not shown. */
  hide(): void {
    this.#end("look.first");
  }

  refresh(): void {
    const all = this.#cameras();
    const shown = all.slice(this.#page * PAGE, (this.#page + 1) * PAGE);
    attribute(this.#none, "hidden", this.#city.cameras.size > 0);
    attribute(this.#look, "hidden", !may("see_video") || this.#running !== null || shown.length === 0);
    attribute(this.#stop, "hidden", this.#running === null);
    if (!may("see_video")) text(this.#state, t("camera.not_allowed"));
    keyed(this.#grid, shown, ({ camera }) => camera, (camera) => this.#tile(camera), (tile, camera) => this.#update(tile, camera));
    for (const name of this.#screens.keys()) if (!shown.some(({ camera }) => camera === name)) this.#screens.delete(name);
    const pages = Math.ceil(all.length / PAGE);
    this.#pages.replaceChildren(
      ...(pages > 1 ? Array.from({ length: pages }, (_, i) => {
        const button = h("button", { type: "button", class: "deed", "aria-pressed": String(i === this.#page), click: () => this.#turn(i) }, number(i + 1));
        attribute(button, "aria-label", t("look.page", { n: i + 1 }));
        return button;
      }) : []),
    ); // prettier-ignore
  }

  #cameras(): CameraNow[] {
    const wanted = this.#filter.value.trim().toLowerCase();
    return [...this.#city.cameras.values()]
      .filter(({ camera }) => camera.toLowerCase().includes(wanted))
      .toSorted((a, b) => a.camera.localeCompare(b.camera, undefined, { numeric: true }));
  }

  /** Other cameras are another look. */
  #turn(page: number): void {
    this.#page = page;
    this.#end("look.first");
    this.refresh();
  }

  #tile({ camera }: CameraNow): HTMLElement {
    const screen = new Screen();
    screen.clear(this.#why);
    this.#screens.set(camera, screen);
    const open = () => this.#select({ kind: "camera", id: camera });
    const head = h("button", { type: "button", class: "wall-name link", click: open }, camera);
    return h("figure", { class: "wall-tile card" }, screen.element, h("figcaption", {}, head, h("span", { class: "wall-health" }), h("span", { class: "wall-age" })));
  }

  #update(tile: HTMLElement, camera: CameraNow): void {
    attribute(tile, "data-health", camera.health);
    const [, health, when] = [...(tile.lastElementChild?.children ?? [])] as [HTMLElement, HTMLElement, HTMLElement];
    const at = this.#screens.get(camera.camera)?.at ?? null;
    text(health, term("health", camera.health));
    text(when, at ? t("camera.age", { age: age(age_s(at)) }) : "");
  }

  async #begin(): Promise<void> {
    const names = this.#cameras().slice(this.#page * PAGE, (this.#page + 1) * PAGE).map(({ camera }) => camera);
    const look = await askWhy(names);
    if (look) await this.#run(look);
  }

  async #run(look: Look): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#say("camera.nopicture");
    text(this.#state, t("look.on_record"));
    this.refresh();
    const ended = await watch(look, RATE_HZ, (picture) => this.#screens.get(picture.camera)?.show(picture), running.signal);
    if (ended && this.#running === running) this.#end("look.over");
  }

  #end(why: Key): void {
    this.#running?.abort();
    this.#running = null;
    this.#say(why);
    text(this.#state, why === "look.over" ? t(why) : "");
    if (!this.element.hidden) this.refresh();
  }

  #say(why: Key): void {
    this.#why = why;
    for (const screen of this.#screens.values()) screen.clear(why);
  }
}
