/** Draws a camera's calibration over a still, beside the map: point pairs, lanes, lines and zones. */
import { api } from "../api";
import type { LonLat } from "../contract";
import { attribute, h, text } from "../dom";
import { localLabel, number, said, t } from "../i18n";
import { send } from "../session/session";
import { Draft, MODES, spots, written, type Calibration, type Fit, type Mode, type Shape, type Spot } from "./draft";
import { Still } from "./still";

const JUDGE_AFTER_MS = 300;
const LEAST_PAIRS = 4;

interface Saved {
  calibration: Calibration | null;
  fit: Fit;
}
/** What the editor needs of the map: clicks, and places to mark. */
export interface Ground {
  onClick: (listener: (position: LonLat) => void) => () => void;
  mark: (places: { key: string; position: LonLat }[]) => void;
}

export class CalibrationEditor {
  readonly #title = h("h2");
  readonly #help = h("p", { class: "calibration-help" });
  readonly #fit = h("p", { class: "calibration-fit", role: "status" });
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #rows = h("div", { class: "calibration-rows" });
  readonly #modes = localLabel(h("div", { class: "calibration-modes", role: "group" }), "calibration.modes");
  readonly #still = new Still((spot) => this.#point(spot));
  readonly element: HTMLElement;
  readonly #ground: Ground;
  #camera = "";
  #draft = new Draft();
  #found: Fit | null = null;
  #mode: Mode = "points";
  #active: Shape | null = null;
  #opener: Element | null = null;
  #release: (() => void) | null = null;
  #timer = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
    for (const mode of MODES) {
      const button = said("button", "secondary", `calibration.${mode}`);
      for (const [name, value] of Object.entries({ type: "button", "data-mode": mode })) attribute(button, name, value);
      button.addEventListener("click", () => this.#open(mode));
      this.#modes.append(button);
    }
    const act = (key: "calibration.save" | "calibration.remove" | "calibration.close", name: string, work: () => void) => {
      const button = said("button", name, key);
      attribute(button, "type", "button");
      button.addEventListener("click", work);
      return button;
    };
    const acts = h(
      "div",
      { class: "calibration-acts" },
      act("calibration.save", "primary", () => void this.#save()),
      act("calibration.remove", "secondary", () => void this.#remove()),
      act("calibration.close", "secondary", () => this.close()),
    );
    this.element = localLabel(
      h(
        "section",
        { class: "calibration card", hidden: true, tabindex: -1, keydown: (event: KeyboardEvent) => this.#key(event) },
        this.#title,
        this.#still.element,
        this.#modes,
        this.#help,
        this.#rows,
        this.#fit,
        this.#problem,
        acts,
      ),
      "calibration.label",
    );
  }

  async open(camera: string): Promise<void> {
    this.#opener = document.activeElement;
    this.#camera = camera;
    this.#draft = new Draft();
    this.#found = null;
    text(this.#title, t("calibration.title", { name: camera }));
    text(this.#problem, "");
    this.#still.image.src = api.picture(camera, Date.now(), "maintenance");
    attribute(this.#still.image, "alt", t("camera.picture", { name: camera }));
    attribute(this.element, "hidden", false);
    this.#release ??= this.#ground.onClick((position) => this.#place(position));
    this.element.focus();
    this.#open("points");
    try {
      const { calibration, fit } = (await send<Saved>("GET", this.#path)) as Saved;
      if (camera !== this.#camera) return;
      this.#draft = Draft.of(calibration ?? {});
      this.#found = fit;
      this.#open("points");
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
  }

  close(): void {
    attribute(this.element, "hidden", true);
    this.#release?.();
    this.#release = null;
    this.#ground.mark([]);
    if (this.#opener instanceof HTMLElement && this.#opener.isConnected) this.#opener.focus();
  }

  get #path(): string {
    return `/cameras/${encodeURIComponent(this.#camera)}/calibration`;
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  }

  #open(mode: Mode): void {
    this.#mode = mode;
    this.#active = mode === "points" ? null : (this.#draft.shapes[mode].at(-1) ?? null);
    for (const button of this.#modes.children) attribute(button, "aria-pressed", String(button.getAttribute("data-mode") === mode));
    text(this.#help, t(`calibration.help.${mode}`));
    this.#list();
  }

  #point(spot: Spot): void {
    if (this.#mode === "points") this.#draft.seen(spot);
    else {
      this.#active ??= this.#draft.add(this.#mode);
      if (this.#mode === "lines" && this.#active.path.length >= 2) this.#active = this.#draft.add(this.#mode);
      this.#active.path.push(spot);
    }
    this.#changed(true);
  }

  #place(position: LonLat): void {
    if (this.#mode !== "points") return;
    this.#draft.placed(position);
    this.#changed(true);
  }

  /** `anew`: the rows too; not while somebody types in them. */
  #changed(anew: boolean): void {
    if (anew) this.#list();
    else this.#draw();
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#judge(), JUDGE_AFTER_MS);
  }

  #draw(): void {
    this.#still.draw(this.#draft, this.#found, this.#mode, this.#active);
    this.#ground.mark(this.#draft.places());
    const { error = null, error_m = null } = this.#found ?? {};
    const pixels = error === null ? null : error * (this.#still.image.naturalWidth || 640);
    text(this.#fit, error === null ? t("calibration.nofit") : t("calibration.fit", { px: number(pixels, 1), m: number(error_m, 2) }));
  }

  async #judge(): Promise<void> {
    const calibration = this.#draft.calibration();
    try {
      // With fewer than four pairs nothing is wrong yet, and nothing can be told.
      const enough = calibration.rectangle || (calibration.points?.length ?? 0) >= LEAST_PAIRS;
      this.#found = enough ? await send<Fit>("POST", `${this.#path}/fit`, { calibration }) : null;
      text(this.#problem, "");
    } catch (error) {
      this.#found = null;
      text(this.#problem, (error as Error).message);
    }
    this.#draw();
  }

  async #save(): Promise<void> {
    try {
      const saved = (await send<Saved>("PUT", this.#path, { calibration: this.#draft.calibration() })) as Saved;
      this.#found = saved.fit;
      text(this.#problem, "");
      this.#draw();
      text(this.#fit, `${this.#fit.textContent} ${t("calibration.saved")}`);
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
  }

  async #remove(): Promise<void> {
    try {
      await send("DELETE", this.#path);
      this.close();
    } catch (error) {
      text(this.#problem, (error as Error).message);
    }
  }

  #list(): void {
    const rows = this.#mode === "points" ? this.#pairRows() : this.#shapeRows(this.#mode);
    this.#rows.replaceChildren(...rows, this.#adder());
    this.#draw();
  }

  #adder(): HTMLElement {
    const mode = this.#mode;
    const add = () => {
      if (mode === "points") this.#draft.pairs.push({ image: null, ground: null });
      else this.#active = this.#draft.add(mode);
      this.#list();
      this.#rows.querySelector<HTMLElement>(".calibration-row:last-of-type input")?.focus();
    };
    const button = h("button", { type: "button", class: "secondary calibration-add", click: add });
    text(button, t("calibration.add"));
    return button;
  }

  #pairRows(): HTMLElement[] {
    return this.#draft.pairs.map((pair, index) => {
      const own = (side: "image" | "ground") =>
        this.#input(t(`calibration.${side}`, { n: index + 1 }), pair[side] ? written([pair[side]]) : "", (value) => {
          const found = spots(value);
          if (found?.length !== 1 || !found[0]) return false;
          pair[side] = found[0];
          return true;
        });
      return this.#row(String(index + 1), [own("image"), own("ground")], () => this.#draft.pairs.splice(index, 1));
    });
  }

  #shapeRows(mode: Exclude<Mode, "points">): HTMLElement[] {
    const shapes = this.#draft.shapes[mode];
    return shapes.map((shape, index) => {
      const name = this.#input(t("calibration.name", { n: index + 1 }), shape.name, (value) => {
        shape.name = value.trim();
        return shape.name !== "";
      });
      const path = this.#input(t("calibration.path", { n: index + 1 }), written(shape.path), (value) => {
        const found = spots(value);
        if (found) shape.path = found;
        return found !== null;
      });
      for (const input of [name, path]) {
        input.addEventListener("focus", () => {
          this.#active = shape;
          this.#draw();
        });
      }
      return this.#row(String(index + 1), [name, path], () => {
        shapes.splice(index, 1);
        this.#active = shapes.at(-1) ?? null;
      });
    });
  }

  #input(label: string, value: string, take: (value: string) => boolean): HTMLInputElement {
    const input = h("input", { class: "field-input", type: "text", "aria-label": label, placeholder: label, value });
    input.addEventListener("input", () => {
      attribute(input, "aria-invalid", take(input.value) ? null : "true");
      this.#changed(false);
    });
    return input;
  }

  #row(label: string, inputs: HTMLElement[], remove: () => void): HTMLElement {
    const drop = () => {
      remove();
      this.#changed(true);
      this.#rows.querySelector<HTMLElement>("input, button")?.focus();
    };
    const button = h("button", { type: "button", class: "icon-button", click: drop, "aria-label": t("calibration.drop", { n: label }) }, "×");
    return h("div", { class: "calibration-row" }, h("span", { class: "calibration-number" }, label), ...inputs, button);
  }
}
