/** Following a report by its link: how it stands, rating it, reopening it. */
import { ApiError } from "../api";
import { attribute, h, text } from "../dom";
import { localText, said, t, term, timeOfDay, type Key } from "../i18n";
import { onSettings } from "../settings";
import { ask, type Followed, type Stage } from "./calls";
import { day, nameOf } from "./words";

const STAGES: Stage[] = ["received", "filed", "dispatched", "handling", "handled", "verified", "closed"];
const SCORES = [1, 2, 3, 4, 5];
const REFRESH_MS = 60_000;

export class FollowPage {
  readonly element = h("div", { class: "stack" });
  readonly #follow: string;
  readonly #told = h("p", { class: "form-done", role: "status" });
  #known: Followed | null = null;
  #score = 0;

  constructor(follow: string) {
    this.#follow = follow;
    void this.#load();
    const timer = window.setInterval(() => {
      if (!this.element.isConnected) return window.clearInterval(timer);
      // Not under somebody's hands.
      if (!this.element.contains(document.activeElement)) void this.#load();
    }, REFRESH_MS);
    onSettings((_, changed) => changed === "language" && this.#known && this.#show(this.#known));
  }

  async #load(): Promise<void> {
    try {
      this.#show(await ask.follow(this.#follow));
    } catch (error) {
      if (this.#known) return; // what was shown stays true enough
      const message = error instanceof ApiError ? error.message : t("report.no_network");
      this.element.replaceChildren(h("p", { class: "form-problem", role: "alert" }, message));
    }
  }

  #show(found: Followed): void {
    this.#known = found;
    const head = h(
      "section", { class: "card followed" }, h("h2", {}, nameOf(found)),
      h("p", { class: "hint" }, `${found.number} · ${t("report.reported_on", { day: day(found.reported_at) })}`),
      found.photos > 0 && h("p", { class: "hint" }, t("report.photos", { n: found.photos })), this.#steps(found),
    ); // prettier-ignore
    const notes = h("ul", { class: "notes" }, ...found.notes.map(({ at, what }) =>
      h("li", {}, h("time", { datetime: at }, `${day(at)}, ${timeOfDay(at).slice(0, 5)}`), " ", term("report.note", what)))); // prettier-ignore
    const parts = [this.#told, head, ...(found.may_rate ? [this.#rating()] : []), ...this.#rated(found), ...(found.may_reopen ? [this.#reopening(found)] : [])];
    this.element.replaceChildren(...parts, said("h2", "group-title", "report.history"), notes);
  }

  #steps({ stage }: Followed): HTMLElement {
    if (stage === "dismissed") return said("p", "", "report.stage.dismissed");
    const at = STAGES.indexOf(stage);
    const step = (name: Stage, number: number) => {
      const item = localText(h("li", { "data-place": number < at ? "past" : number === at ? "now" : "ahead" }), `report.stage.${name}`);
      attribute(item, "aria-current", number === at ? "step" : null);
      return item;
    };
    return h("ol", { class: "steps" }, ...STAGES.map(step));
  }

  #rated({ rating }: Followed): HTMLElement[] {
    return rating === null ? [] : [h("p", { class: "hint" }, t("report.rated", { n: rating }))];
  }

  #rating(): HTMLElement {
    const words = h("textarea", { class: "field-input", id: "rating-text", rows: 2, maxlength: 2000 });
    const send = said("button", "primary", "report.rate");
    const press = () => {
      for (const star of stars) attribute(star, "aria-pressed", String(Number(star.dataset["score"]) === this.#score));
      attribute(send, "disabled", this.#score === 0);
    };
    const stars = SCORES.map((score) => {
      const star = h("button", { type: "button", class: "star", "data-score": score, "aria-label": t("report.score", { n: score }) }, String(score));
      star.addEventListener("click", () => {
        this.#score = score;
        press();
      });
      return star;
    });
    press();
    const group = h("div", { class: "stars", role: "group", "aria-label": t("report.rating") }, ...stars);
    const ends = h("p", { class: "ends hint" }, said("span", "", "report.bad"), said("span", "", "report.good"));
    return this.#deed("report.rating", [group, ends, this.#label("rating-text", "report.rating_text"), words], send, "report.rated_now", () =>
      ask.rate(this.#follow, this.#score, words.value.trim()),
    );
  }

  #reopening({ reopen_until }: Followed): HTMLElement {
    const reason = h("textarea", { class: "field-input", id: "reason", rows: 2, maxlength: 2000 });
    const send = said("button", "secondary", "report.reopen");
    const until = h("p", { class: "hint" }, reopen_until ? t("report.reopen_until", { day: day(reopen_until) }) : "");
    return this.#deed("report.not_done", [until, this.#label("reason", "report.reopen_reason"), reason], send, "report.reopened", () => {
      if (!reason.value.trim()) throw new Error(t("report.needs_reason"));
      return ask.reopen(this.#follow, reason.value.trim());
    });
  }

  #label(for_: string, key: Key): HTMLElement {
    return localText(h("label", { for: for_, class: "field-label" }), key);
  }

  #deed(title: Key, parts: HTMLElement[], send: HTMLElement, done: Key, act: () => Promise<Followed>): HTMLElement {
    const problem = h("p", { class: "form-problem", role: "alert" });
    const go = async () => {
      attribute(send, "disabled", true);
      try {
        this.#show(await act());
        text(this.#told, t(done));
      } catch (error) {
        text(problem, error instanceof TypeError ? t("report.no_network") : (error as Error).message);
        attribute(send, "disabled", false);
      }
    };
    send.addEventListener("click", () => void go());
    return h("section", { class: "card followed" }, said("h2", "", title), ...parts, problem, send);
  }
}
