/** Report what one sees in three taps: what it is, a photo, send; the device says where. */
import type { LonLat } from "../../contract";
import { attribute, h, keyed, text } from "../../dom";
import { askHere } from "../../here";
import { localText, said, t } from "../../i18n";
import { photoButton, thumbnail, type Photo } from "../../photo";
import type { CaseClass } from "../contract";
import type { Field } from "../field";
import { FieldMap } from "../fieldmap";
import type { Page } from "../shell";
import { voiceButton } from "../voice";
import type { Whereabouts } from "../whereabouts";
import { className, majorName } from "../words";

const MOST_USUAL = 6;
const MOST_PHOTOS = 6;

export class ReportPage implements Page {
  readonly element: HTMLElement;
  readonly title = "field.report";
  readonly #field: Field;
  readonly #whereabouts: Whereabouts;
  readonly #stop: () => void;
  readonly #classes = h("div", { class: "class-groups" });
  readonly #second = h("section", { class: "stack" });
  readonly #chosen = h("p", { class: "chosen" });
  readonly #photos = h("div", { class: "thumbnails" });
  readonly #place = h("p", { class: "hint", role: "status" });
  readonly #text = h("textarea", { class: "field-input", rows: 2, maxlength: 2000, id: "report-text" });
  readonly #send = said("button", "primary", "field.send");
  readonly #done = h("p", { class: "form-done", role: "status" });
  readonly #map: FieldMap;
  #class: CaseClass | null = null;
  #taken: Photo[] = [];
  #voice: Photo | null = null;
  /** Where the worker put it by hand. */
  #picked: LonLat | null = null;
  #written = "";

  constructor(field: Field, whereabouts: Whereabouts) {
    this.#field = field;
    this.#whereabouts = whereabouts;
    this.#stop = whereabouts.follow(() => this.#writePlace());
    this.#map = new FieldMap(field, whereabouts, () => (this.#picked ? [{ id: "spot", position: this.#picked, kind: "spot", label: t("field.spot") }] : []));
    attribute(this.#map.element, "hidden", true);
    const photo = photoButton("field.photo", "photo", (taken) => this.#took(taken), () => text(this.#place, t("field.no_photo")));
    const other = said("button", "link", "field.other_class");
    other.addEventListener("click", () => this.#choose(null));
    const map = said("button", "link", "field.place_by_hand");
    map.addEventListener("click", () => void this.#openMap(map));
    const label = localText(h("label", { for: "report-text", class: "field-label" }), "field.remark");
    const voice = voiceButton((taken) => {
      this.#voice = taken;
      this.#writePlace();
    });
    this.#send.addEventListener("click", () => void this.#sendIt());
    this.#second.append(
      h("div", { class: "chosen-line" }, this.#chosen, other), photo, this.#photos, this.#send, this.#place, map,
      this.#map.element, label, this.#text, voice,
    ); // prettier-ignore
    this.element = h("div", { class: "page" }, this.#done, this.#classes, this.#second);
    this.#choose(null);
  }

  leave(): void {
    this.#stop();
    this.#map.close();
  }

  refresh(): void {
    // Classes are written anew only when they or the language changed, so that nothing moves under a finger.
    const names = [...this.#field.classes.values()].map((one) => className(one, one.code)).join("|");
    if (names !== this.#written) this.#writeClasses();
    this.#written = names;
    this.#writePlace();
    if (this.#class) text(this.#chosen, className(this.#class, this.#class.code));
  }

  #writeClasses(): void {
    const all = [...this.#field.classes.values()];
    const usual = usualOf(all);
    const groups = new Map<string, CaseClass[]>();
    if (usual.length > 0) groups.set(t("field.usual"), usual);
    for (const one of all) {
      const major = majorName(one);
      groups.set(major, [...(groups.get(major) ?? []), one]);
    }
    const tile = (one: CaseClass) =>
      h("button", { type: "button", class: "class-tile", "data-class": one.code, click: () => this.#choose(one) }, className(one, one.code));
    this.#classes.replaceChildren(
      ...[...groups].map(([major, classes]) => h("section", {}, h("h2", { class: "group-title" }, major), h("div", { class: "class-tiles" }, ...classes.map(tile)))),
    );
    if (all.length === 0) this.#classes.append(said("p", "hint", "field.no_classes"));
  }

  #choose(class_: CaseClass | null): void {
    this.#class = class_;
    attribute(this.#classes, "hidden", class_ !== null);
    attribute(this.#second, "hidden", class_ === null);
    if (class_) {
      text(this.#chosen, className(class_, class_.code));
      text(this.#done, "");
      this.#second.querySelector<HTMLElement>(".photo-input")?.focus();
      this.element.scrollIntoView();
    }
    this.#writePlace();
  }

  #took(photo: Photo): void {
    if (this.#taken.length < MOST_PHOTOS) this.#taken.push(photo);
    keyed(this.#photos, this.#taken.map((one, i) => ({ one, i })), ({ i }) => String(i), ({ one }) => h("div", {}, thumbnail(one, t("field.photo"))), () => undefined);
    this.#send.focus();
  }

  #writePlace(): void {
    const here = this.#picked ?? this.#whereabouts.last?.position;
    attribute(this.#send, "disabled", !here);
    const accuracy_m = this.#whereabouts.last?.accuracy_m;
    if (this.#picked) text(this.#place, t("field.place.picked"));
    else if (here) text(this.#place, accuracy_m ? t("field.place.here", { n: accuracy_m }) : t("field.place.known"));
    else text(this.#place, t(this.#whereabouts.refused ? "field.place.refused" : "field.position_sought"));
  }

  async #openMap(button: HTMLElement): Promise<void> {
    button.remove();
    attribute(this.#map.element, "hidden", false);
    text(this.#place, t("field.place.tap"));
    await this.#map.open((map) => map.onPick((position) => this.#pick(position)));
  }

  #pick([lon, lat]: LonLat): void {
    this.#picked = [Math.round(lon * 1e6) / 1e6, Math.round(lat * 1e6) / 1e6];
    this.#map.refresh();
    this.#writePlace();
  }

  async #sendIt(): Promise<void> {
    const class_ = this.#class;
    if (!class_) return;
    // The freshest place, but no waiting for it where one is known.
    const here = this.#picked ?? this.#whereabouts.last?.position ?? (await askHere()).position;
    await this.#field.report(class_.code, here, this.#text.value.trim(), this.#taken, this.#voice);
    remember(class_.code);
    this.#taken = [];
    this.#voice = null;
    this.#picked = null;
    this.#text.value = "";
    this.#photos.replaceChildren();
    this.#written = "";
    this.#choose(null);
    this.refresh();
    text(this.#done, t("field.report_kept"));
  }
}

const USUAL = "citybrain.phone.usual";

function counts(): Record<string, number> {
  try {
    return JSON.parse(localStorage.getItem(USUAL) ?? "{}") as Record<string, number>;
  } catch {
    return {};
  }
}

function remember(code: string): void {
  const known = counts();
  localStorage.setItem(USUAL, JSON.stringify({ ...known, [code]: (known[code] ?? 0) + 1 }));
}

/** Those that were reported here most often. */
function usualOf(all: readonly CaseClass[]): CaseClass[] {
  const known = counts();
  const used = all.filter(({ code }) => (known[code] ?? 0) > 0);
  return used.sort((a, b) => (known[b.code] ?? 0) - (known[a.code] ?? 0)).slice(0, MOST_USUAL);
}
