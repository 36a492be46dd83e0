/** A case from an alarm or event in one click, or the case that there is of it already. */
import type { City } from "../city";
import type { Alarm, LonLat, TrafficEvent } from "../contract";
import { attribute, h, text } from "../dom";
import { t, term } from "../i18n";
import type { Selection } from "../panels/situation";
import { may } from "../session/session";
import type { CaseBook } from "./book";
import { calls } from "./calls";
import type { Draft } from "./contract";

export class CaseMaker {
  readonly #city: City;
  readonly #book: CaseBook;
  readonly #select: (selection: Selection) => void;
  readonly #fill: (draft: Draft, problem: string) => void;

  constructor(city: City, book: CaseBook, select: (selection: Selection) => void, fill: (draft: Draft, problem: string) => void) {
    this.#city = city;
    this.#book = book;
    this.#select = select;
    this.#fill = fill;
  }

  /** The button of an alarm or event; `write` brings it up to date. */
  button(): HTMLButtonElement {
    return h("button", { type: "button", class: "deed", "data-deed": "case", hidden: !may("report_cases") });
  }

  writeAlarm(button: HTMLButtonElement, alarm: Alarm): void {
    const known = this.#book.byAlarm.get(alarm.id);
    this.#write(button, known);
    button.onclick = () => void (known ? this.#select({ kind: "case", id: known }) : this.#fromAlarm(alarm));
  }

  writeEvent(button: HTMLButtonElement, event: TrafficEvent): void {
    const alarm = this.#alarmOf(event);
    if (alarm) return this.writeAlarm(button, alarm);
    this.#write(button, undefined);
    button.onclick = () => this.#draft(event.kind, event.position ?? this.#placeOf(event), event.detail, null);
  }

  #write(button: HTMLButtonElement, known: string | undefined): void {
    const number = known && this.#book.cases.get(known)?.number;
    text(button, known ? t("making.open", { number: number ?? "" }).trim() : t("making.make"));
    attribute(button, "data-known", known !== undefined);
  }

  /** As the server bundles events: one alarm for a kind at a place. */
  #alarmOf({ kind, intersection, camera }: TrafficEvent): Alarm | undefined {
    const isSame = (alarm: Alarm) =>
      alarm.kind === kind && (intersection ? alarm.intersection === intersection : camera !== null && alarm.camera === camera);
    return [...this.#city.alarms.values()].find(isSame);
  }

  async #fromAlarm(alarm: Alarm): Promise<void> {
    const fallback = (problem = "") => this.#draft(alarm.kind, alarm.position ?? this.#placeOf(alarm), alarm.detail, alarm.id, problem);
    // Who may not handle alarms reports it as a case, with the alarm named.
    if (!may("handle_alarms")) return fallback();
    try {
      const made = await calls.fromAlarm(alarm.id);
      if (!made) return;
      this.#book.take([made]);
      this.#select({ kind: "case", id: made.id });
    } catch (error) {
      // No class or no place is known of it: a person says so.
      fallback((error as Error).message);
    }
  }

  #draft(kind: string, position: LonLat | null, detail: string, alarm: string | null, problem = ""): void {
    const said = [term("event", kind), detail].filter(Boolean).join(": ");
    this.#fill({ class: this.#book.classOf(kind), position, text: said, alarm }, problem);
    this.#select({ kind: "report", id: "" });
  }

  #placeOf({ intersection, camera }: { intersection: string | null; camera: string | null }): LonLat | null {
    if (camera) return this.#city.cameras.get(camera)?.position ?? null;
    return intersection ? (this.#city.intersections.get(intersection)?.position ?? null) : null;
  }
}
