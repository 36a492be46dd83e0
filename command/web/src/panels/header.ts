/** The bar on top: what this is, whether it is live, which view, theme and language. */
import type { City } from "../city";
import { clockOffset_ms } from "../clock";
import { attribute, h, text } from "../dom";
import { LANGUAGE_NAMES, localLabel, localText, said, t, timeOfDay, type Key } from "../i18n";
import { isLost, may } from "../session/session";
import { choose, onSettings, settings, THEMES, VIEWS, type Language, type Theme, type View } from "../settings";
import { choice } from "./choice";
import { icon, type Icon } from "./icons";

const THEME_ICONS: Record<Theme, Icon> = { auto: "auto", day: "sun", night: "moon", contrast: "contrast" };

const NEEDS: Partial<Record<View, string>> = { cameras: "see_video", figures: "see_history", shift: "see_alarms" };

export class Header {
  readonly element: HTMLElement;
  readonly #city: City;
  readonly #site = h("span", { class: "site" });
  readonly #dot = h("span", { class: "connection-dot", "aria-hidden": "true" });
  readonly #state = h("span", { class: "connection-text" });
  readonly #connection = h("div", { class: "connection", role: "status" }, this.#dot, this.#state);
  readonly #clock = h("time", { class: "clock" });
  #live_ms = Date.now();

  constructor(city: City, search: HTMLElement) {
    this.#city = city;
    // Whoever may see none of it has no button for it.
    const views = VIEWS.filter((value) => NEEDS[value] === undefined || may(NEEDS[value]));
    const view = choice("view", "app.view", views.map((value) => ({
      value, content: () => said("span", "", `app.${value}`),
    }))); // prettier-ignore
    const theme = choice("theme", "app.theme", THEMES.map((value) => ({
      value, content: () => icon(THEME_ICONS[value]), label: `app.theme.${value}` as Key,
    }))); // prettier-ignore
    const language = choice("language", "app.language", (["en", "zh"] as Language[]).map((value) => ({
      value, content: () => document.createTextNode(value === "en" ? "EN" : "中"), language: value,
    }))); // prettier-ignore
    for (const button of language.querySelectorAll("button")) {
      button.title = LANGUAGE_NAMES[button.dataset["value"] as Language];
    }
    const wall = localLabel(h("button", { type: "button", class: "icon-button wall-button", click: () => choose("wall", settings.wall === "on" ? "off" : "on") }, icon("wall")), "app.wall", true);
    const brand = h("h1", { class: "brand" }, localText(h("span"), "app.title"), this.#site);
    this.element = h("header", { class: "header" }, brand, this.#connection, h("span", { class: "spring" }), search, this.#clock, view, theme, language, wall);
    city.onFrame((changes) => changes.connection && this.refresh());
    onSettings(() => this.refresh());
    window.setInterval(() => this.refresh(), 1_000);
    this.refresh();
  }

  refresh(): void {
    const { connection, failure, site } = this.#city;
    if (connection === "live") this.#live_ms = Date.now();
    const away_s = Math.round((Date.now() - this.#live_ms) / 1000) + (connection === "stale" ? 7 : 0);
    const offset_s = Math.round(Math.abs(clockOffset_ms()) / 1000);
    const isPast = this.#city.isPast && !isLost();
    attribute(this.#connection, "data-state", isPast ? "past" : isLost() ? "signed-out" : failure ? "stale" : connection);
    text(this.#site, site?.site ?? "");
    text(this.#clock, timeOfDay(Date.now()));
    if (isLost()) text(this.#state, t("connection.signed_out"));
    else if (isPast) text(this.#state, t("connection.past"));
    else if (failure) text(this.#state, t("app.failed", { reason: failure }));
    else if (connection === "live" && offset_s > 0) text(this.#state, t("connection.clock", { n: offset_s }));
    else text(this.#state, t(`connection.${connection}`, { n: away_s }));
    attribute(document.documentElement, "data-connection", connection);
  }
}
