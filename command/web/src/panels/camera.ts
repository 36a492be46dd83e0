/** Cameras: a list, and one camera's live picture with what it counted. */
import { askWhy, begin, watch, type Look, type Why } from "../cameras/look";
import { Screen } from "../cameras/screen";
import type { City } from "../city";
import { age_s } from "../clock";
import type { CameraNow } from "../contract";
import { attribute, h, keyed, text } from "../dom";
import { age, number, said, t, term } from "../i18n";
import { may } from "../session/session";
import { icon } from "./icons";
import type { Part, Selection } from "./situation";

const RATE_HZ = 4;
const ROAD_USERS = ["person", "bicycle", "motorcycle", "car", "bus", "truck"] as const;

export class CameraPanel implements Part {
  readonly #title = h("h2");
  readonly #screen = new Screen();
  readonly #look = said("button", "primary camera-look", "look.one");
  readonly #facts = h("p", { class: "facts" });
  readonly #counts = h("table", { class: "counts" });
  readonly #nothing = said("p", "empty", "camera.nocounts");
  readonly element: HTMLElement;
  readonly #city: City;
  #camera: string | null = null;
  #running: AbortController | null = null;

  constructor(city: City, close: () => void, calibrate: (camera: string) => void) {
    this.#city = city;
    const draw = said("button", "secondary camera-calibrate", "calibration.open");
    attribute(draw, "type", "button");
    attribute(draw, "hidden", !may("calibrate_cameras"));
    draw.addEventListener("click", () => this.#camera && calibrate(this.#camera));
    this.#look.addEventListener("click", () => void this.#ask());
    const back = h("button", { type: "button", class: "icon-button", click: close }, icon("left"));
    attribute(back, "aria-label", t("side.close"));
    this.element = h(
      "section",
      { class: "part detail camera-detail", tabindex: -1 },
      h("div", { class: "detail-head" }, back, this.#title),
      this.#screen.element,
      this.#look,
      this.#facts,
      draw,
      said("h3", "", "camera.counts"),
      this.#nothing,
      this.#counts,
    );
  }

  show(camera: string | null, why?: Why): void {
    if (camera === this.#camera && !why) return;
    this.#running?.abort();
    this.#running = null;
    this.#camera = camera;
    this.#screen.clear("look.first");
    // Who comes from an event or a case has said why by that.
    if (camera && why && may("see_video") && !this.#city.isPast) void begin([camera], why).then((look) => this.#run(camera, look), () => undefined);
    this.refresh();
  }

  async #ask(): Promise<void> {
    const camera = this.#camera;
    const look = camera && (await askWhy([camera]));
    if (camera && look) await this.#run(camera, look);
  }

  async #run(camera: string, look: Look): Promise<void> {
    if (camera !== this.#camera) return;
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#screen.clear("camera.nopicture");
    this.refresh();
    const ended = await watch(look, RATE_HZ, (picture) => this.#screen.show(picture), running.signal);
    if (!ended || this.#running !== running) return;
    this.#running = null;
    this.#screen.clear("look.over");
    this.refresh();
  }

  refresh(): void {
    const camera = this.#camera && this.#city.cameras.get(this.#camera);
    if (!camera) return;
    const barred = this.#city.isPast ? "playback.no_pictures" : may("see_video") ? null : "camera.not_allowed";
    attribute(this.#look, "hidden", barred !== null || this.#running !== null);
    if (barred) {
      this.#running?.abort();
      this.#running = null;
      this.#screen.clear(barred);
    }
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
