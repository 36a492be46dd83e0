/** Cameras: a list, and one camera's live picture with what it counted. */
import { api } from "../api";
import type { City } from "../city";
import { age_s } from "../clock";
import type { CameraNow } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, number, said, t, term } from "../i18n";
import { may } from "../session/session";
import { icon } from "./icons";
import type { Part, Selection } from "./situation";

const ROAD_USERS = ["person", "bicycle", "motorcycle", "car", "bus", "truck"] as const;

/** One camera's picture: the next is asked for only when the last has come, so a slow line never queues. */
class Picture {
  readonly image = h("img", { class: "picture", decoding: "async", hidden: true });
  readonly none = said("p", "picture-none", "camera.nopicture");
  readonly element = h("div", { class: "picture-frame" }, this.image, this.none);
  #camera: string | null = null;
  #purpose: "monitoring" | "event" = "monitoring";
  #version = "";
  #wanted = "";
  #loading = false;

  show(camera: string | null, purpose: "monitoring" | "event"): void {
    this.#camera = camera;
    this.#purpose = purpose;
    this.#version = this.#wanted = "";
    this.image.removeAttribute("src");
    attribute(this.image, "hidden", true);
    attribute(this.none, "hidden", false);
    if (camera) attribute(this.image, "alt", t("camera.picture", { name: camera }));
  }

  want(version: string): void {
    if (!may("see_video")) return text(this.none, t("camera.not_allowed"));
    this.#wanted = version;
    if (!this.#loading && this.#camera && version !== this.#version && !document.hidden) void this.#load(this.#camera);
  }

  async #load(camera: string): Promise<void> {
    this.#loading = true;
    this.#version = this.#wanted;
    const next = new Image();
    next.src = api.picture(camera, this.#version, this.#purpose);
    try {
      await next.decode();
      if (camera !== this.#camera) return;
      this.image.src = next.src;
      attribute(this.image, "hidden", false);
      attribute(this.none, "hidden", true);
    } catch {
      // The picture was replaced or the server is away; the next one is asked for when it is announced.
    } finally {
      this.#loading = false;
      if (this.#camera && this.#wanted !== this.#version) this.want(this.#wanted);
    }
  }
}

export class CameraPanel implements Part {
  readonly #title = h("h2");
  readonly #picture = new Picture();
  readonly #facts = h("p", { class: "facts" });
  readonly #counts = h("table", { class: "counts" });
  readonly #nothing = said("p", "empty", "camera.nocounts");
  readonly element: HTMLElement;
  readonly #city: City;
  #camera: string | null = null;

  constructor(city: City, close: () => void, calibrate: (camera: string) => void) {
    this.#city = city;
    const draw = said("button", "secondary camera-calibrate", "calibration.open");
    attribute(draw, "type", "button");
    attribute(draw, "hidden", !may("calibrate_cameras"));
    draw.addEventListener("click", () => this.#camera && calibrate(this.#camera));
    const back = h("button", { type: "button", class: "icon-button", click: close }, icon("left"));
    attribute(back, "aria-label", t("side.close"));
    this.element = h(
      "section",
      { class: "part detail camera-detail", tabindex: -1 },
      h("div", { class: "detail-head" }, back, this.#title),
      this.#picture.element,
      this.#facts,
      draw,
      said("h3", "", "camera.counts"),
      this.#nothing,
      this.#counts,
    );
  }

  show(camera: string | null, purpose: "monitoring" | "event" = "monitoring"): void {
    if (camera === this.#camera) return;
    this.#camera = camera;
    this.#picture.show(camera, purpose);
    this.pictureChanged();
    this.refresh();
  }

  pictureChanged(): void {
    const camera = this.#camera && this.#city.cameras.get(this.#camera);
    if (camera && camera.picture_at) this.#picture.want(camera.picture_at);
  }

  refresh(): void {
    const camera = this.#camera && this.#city.cameras.get(this.#camera);
    if (!camera) return;
    text(this.#title, t("camera.title", { name: camera.camera }));
    const facts = [
      term("health", camera.health),
      camera.width && camera.height ? `${camera.width} × ${camera.height}` : "",
      camera.fps === null ? "" : t("camera.fps", { n: number(camera.fps, 1) }),
      camera.picture_at ? t("camera.age", { age: age(age_s(camera.picture_at)) }) : "",
    ];
    text(this.#facts, facts.filter(Boolean).join(" · "));
    this.#count(camera);
  }

  #count({ counts }: CameraNow): void {
    const movements = Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b));
    const seen = ROAD_USERS.filter((kind) => movements.some(([, count]) => (count[kind] ?? 0) > 0));
    attribute(this.#nothing, "hidden", seen.length > 0);
    attribute(this.#counts, "hidden", seen.length === 0);
    const cell = (tag: "th" | "td", value: string, scope: string | null = null) => {
      const element = h(tag, { scope });
      text(element, value);
      return element;
    };
    const total = (count: Record<string, number>) => Object.values(count).reduce((sum, n) => sum + n, 0);
    const head = h("tr", {}, cell("th", t("camera.movement"), "col"), ...seen.map((kind) => cell("th", t(`road_user.${kind}`), "col")), cell("th", t("camera.total"), "col"));
    const rows = movements.map(([movement, count]) =>
      h("tr", {}, cell("th", movement, "row"), ...seen.map((kind) => cell("td", number(count[kind] ?? 0))), cell("td", number(total(count)))),
    );
    this.#counts.replaceChildren(h("thead", {}, head), h("tbody", {}, ...rows));
  }
}

export class CameraList implements Part {
  readonly #list = h("ul", { class: "camera-list" });
  readonly #none = said("p", "empty", "cameras.none");
  readonly element = h("section", { class: "part" }, this.#none, this.#list);
  readonly #city: City;
  readonly #select: (selection: Selection) => void;

  constructor(city: City, select: (selection: Selection) => void) {
    this.#city = city;
    this.#select = select;
  }

  refresh(): void {
    const cameras = [...this.#city.cameras.values()].toSorted((a, b) => a.camera.localeCompare(b.camera));
    attribute(this.#none, "hidden", cameras.length > 0);
    const make = ({ camera }: CameraNow) => {
      const open = () => this.#select({ kind: "camera", id: camera });
      const parts = ["agent-mark", "agent-name", "agent-health", "agent-detail"].map((name) => h("span", { class: name }));
      return h("li", {}, h("button", { type: "button", class: "agent", click: open, "data-camera": camera }, ...parts));
    };
    keyed(this.#list, cameras, ({ camera }) => camera, make, (item, camera) => {
      const button = item.firstElementChild as HTMLElement;
      const [, name, state, detail] = [...button.children] as [Element, Element, Element, Element];
      attribute(button, "data-health", camera.health);
      text(name, camera.camera);
      text(state, term("health", camera.health));
      const all = Object.values(camera.counts).flatMap(Object.values<number>).reduce((sum, n) => sum + n, 0);
      const picture = camera.picture_at ? t("camera.age", { age: age(age_s(camera.picture_at)) }) : t("camera.nopicture");
      text(detail, `${t("camera.counts")} ${number(all)} · ${picture}`);
    });
  }
}
