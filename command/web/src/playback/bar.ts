/** The bar under the map while the past is shown: day and time, a slider over the day, play, speed, back to live. */
import { api } from "../api";
import type { City } from "../city";
import { present_ms } from "../clock";
import type { TrafficEvent } from "../contract";
import { attribute, h, svg, text } from "../dom";
import { dayAndTime, localLabel, localText, said, t, timeOfDay } from "../i18n";
import { icon } from "../panels/icons";
import { onSettings } from "../settings";
import { Player, SPEEDS, type Speed } from "./player";

const DAY_MS = 86_400_000;
const FIRST_BACK_MS = 5 * 60_000;
const STEP_MS = 10_000;
const LEAP_MS = 60_000;
const WIDTH = 1_000;

/** Midnight here, before `at_ms`. */
function dayOf(at_ms: number): number {
  const day = new Date(at_ms);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

export class PlaybackBar {
  readonly player: Player;
  readonly element: HTMLElement;
  /** What says over the map that this is not now. */
  readonly banner = h("p", { class: "past-banner", role: "status", hidden: true });
  readonly #play = h("button", { type: "button", class: "playback-play", click: () => this.#toggle() });
  readonly #slider = localLabel(h("input", { type: "range", class: "playback-slider", min: 0, max: DAY_MS / 1000, step: 1 }), "playback.slider");
  readonly #when = localLabel(h("input", { type: "datetime-local", class: "field-input playback-when", step: 1 }), "playback.when");
  readonly #speed = localLabel(h("select", { class: "field-input playback-speed" }), "playback.speed");
  readonly #marks = svg("svg", { class: "playback-marks", viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", "aria-hidden": "true" });
  readonly #failure = h("span", { class: "playback-failure", role: "alert" });
  readonly #onChange: () => void;
  #marked_ms = Number.NaN;
  #wasOn = false;
  #wasPlaying: boolean | null = null;

  constructor(city: City, onChange: () => void) {
    this.player = new Player(city, () => this.refresh());
    this.#onChange = onChange;
    this.#speed.append(...SPEEDS.map((speed) => h("option", { value: speed }, `${speed}×`)));
    this.#speed.addEventListener("change", () => this.player.setSpeed(Number(this.#speed.value) as Speed));
    this.#slider.addEventListener("input", () => void this.player.seek(dayOf(this.player.at_ms) + Number(this.#slider.value) * 1000));
    this.#when.addEventListener("change", () => {
      const at_ms = Date.parse(this.#when.value);
      if (!Number.isNaN(at_ms)) void this.player.seek(at_ms);
    });
    const step = (name: "playback.back" | "playback.ahead", by_ms: number, image: "back" | "ahead") =>
      localLabel(h("button", { type: "button", class: "icon-button", click: () => void this.player.seek(this.player.at_ms + by_ms) }, icon(image)), name, true);
    const live = localText(h("button", { type: "button", class: "primary playback-live", click: () => this.player.leave() }), "playback.live");
    this.element = localLabel(
      h(
        "section",
        { class: "playback card", hidden: true },
        h("div", { class: "playback-row" }, step("playback.back", -STEP_MS, "back"), this.#play, step("playback.ahead", STEP_MS, "ahead"), this.#speed, this.#when, this.#failure, h("span", { class: "spring" }), live),
        h("div", { class: "playback-track" }, this.#marks, this.#slider),
        said("p", "playback-keys", "playback.keys"),
      ),
      "playback.label",
    );
    window.addEventListener("keydown", (event) => this.#key(event));
    onSettings((_, changed) => changed === "language" && this.refresh());
  }

  /** Opens the past a few minutes back, at rest. */
  open(): void {
    if (!this.player.isOn) void this.player.seek(present_ms() - FIRST_BACK_MS).then(() => this.#play.focus());
  }

  refresh(): void {
    const { isOn, isPlaying, at_ms, failure } = this.player;
    attribute(this.element, "hidden", !isOn);
    attribute(this.banner, "hidden", !isOn);
    attribute(document.documentElement, "data-past", isOn);
    if (isOn !== this.#wasOn) {
      this.#wasOn = isOn;
      this.#onChange();
    }
    if (!isOn) return;
    text(this.banner, t("playback.banner", { at: dayAndTime(at_ms) }));
    if (this.#wasPlaying !== isPlaying) {
      this.#wasPlaying = isPlaying;
      this.#play.replaceChildren(icon(isPlaying ? "pause" : "play"));
    }
    attribute(this.#play, "aria-label", t(isPlaying ? "playback.pause" : "playback.play"));
    attribute(this.#play, "title", t(isPlaying ? "playback.pause" : "playback.play"));
    text(this.#failure, failure ?? "");
    const day_ms = dayOf(at_ms);
    const second = Math.floor((at_ms - day_ms) / 1000);
    if (document.activeElement !== this.#slider || isPlaying) this.#slider.value = String(second);
    attribute(this.#slider, "aria-valuetext", timeOfDay(at_ms));
    if (document.activeElement !== this.#when) this.#when.value = localIso(at_ms);
    if (day_ms !== this.#marked_ms) void this.#mark(day_ms);
  }

  #toggle(): void {
    if (this.player.isPlaying) this.player.pause();
    else this.player.play();
  }

  /** Small marks on the slider where warnings and worse began on this day. */
  async #mark(day_ms: number): Promise<void> {
    this.#marked_ms = day_ms;
    const events = await api.eventsBetween(day_ms, day_ms + DAY_MS).catch((): TrafficEvent[] => []);
    if (this.#marked_ms !== day_ms) return;
    const grave = events.filter(({ severity, start_at }) => severity !== "info" && Date.parse(start_at) >= day_ms);
    this.#marks.replaceChildren(
      ...grave.map(({ severity, start_at }) => {
        const x = ((Date.parse(start_at) - day_ms) / DAY_MS) * WIDTH;
        return svg("rect", { class: `mark-${severity}`, x: x.toFixed(1), y: 0, width: 2, height: 10 });
      }),
    );
  }

  #key(event: KeyboardEvent): void {
    if (!this.player.isOn || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target instanceof HTMLElement && target.closest("input, select, textarea, dialog, [role=tablist]")) return;
    // Arrows, + and − move the map while it has the focus.
    if (event.key !== " " && target instanceof HTMLElement && target.closest(".map-canvas")) return;
    const by_ms = event.shiftKey ? LEAP_MS : STEP_MS;
    if (event.key === " " && !(target instanceof HTMLButtonElement)) this.#toggle();
    else if (event.key === "ArrowLeft") void this.player.seek(this.player.at_ms - by_ms);
    else if (event.key === "ArrowRight") void this.player.seek(this.player.at_ms + by_ms);
    else if (event.key === "+" || event.key === "-") this.#faster(event.key === "+" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  #faster(by: 1 | -1): void {
    const next = SPEEDS[SPEEDS.indexOf(this.player.speed) + by];
    if (!next) return;
    this.#speed.value = String(next);
    this.player.setSpeed(next);
  }
}

/** As an input of type datetime-local wants it: local time without zone. */
export function localIso(at_ms: number): string {
  const offset_ms = new Date(at_ms).getTimezoneOffset() * 60_000;
  return new Date(at_ms - offset_ms).toISOString().slice(0, 19);
}
