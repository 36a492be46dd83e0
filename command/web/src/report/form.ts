/** Reporting: what, where, a photo, send. Sent again after a broken answer it is still one report. */
import { attribute, h, keyed, text } from "../dom";
import { localText, said, t } from "../i18n";
import { photoButton, thumbnail, type Photo } from "../photo";
import { onSettings } from "../settings";
import { ask, linkOf, newSecret, type PublicClass } from "./calls";
import { PlaceChoice } from "./place";
import { majorOf, nameOf } from "./words";

const MOST_PHOTOS = 4;

export class ReportForm {
  readonly element = h("div", { class: "stack" });
  readonly #form: HTMLElement;
  readonly #what = h("select", { class: "field-input", id: "what" });
  readonly #place = new PlaceChoice(() => text(this.#problem, ""));
  readonly #address = h("input", { class: "field-input", id: "address", maxlength: 200, autocomplete: "off" });
  readonly #text = h("textarea", { class: "field-input", id: "text", rows: 3, maxlength: 2000 });
  readonly #thumbnails = h("div", { class: "thumbnails" });
  readonly #photo: HTMLElement;
  readonly #problem = h("p", { class: "form-problem", role: "alert" });
  readonly #send = said("button", "primary", "report.send");
  #classes: PublicClass[] = [];
  #photos: Photo[] = [];
  /** Made once for one report, however often it must be sent. */
  #made = { id: crypto.randomUUID() as string, follow: newSecret() };

  constructor() {
    this.#photo = photoButton("report.photo", "photo", (photo) => this.#took(photo), () => text(this.#problem, t("report.no_photo"))); // prettier-ignore
    const label = (for_: string, key: "report.what" | "report.address" | "report.text") => localText(h("label", { for: for_, class: "field-label" }), key);
    this.#send.addEventListener("click", () => void this.#sendIt());
    const where = said("h3", "field-label", "report.where");
    const field = (...parts: HTMLElement[]) => h("div", { class: "field" }, ...parts);
    this.#form = h(
      "div", { class: "stack" },
      field(label("what", "report.what"), this.#what), field(where, this.#place.element),
      this.#photo, this.#thumbnails, field(label("text", "report.text"), this.#text),
      field(label("address", "report.address"), this.#address), this.#problem, this.#send, said("p", "hint", "report.privacy"),
    ); // prettier-ignore
    this.element.append(said("p", "lead", "report.lead"), this.#form);
    onSettings((_, changed) => changed === "language" && this.#writeClasses());
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      this.#classes = await ask.classes();
      this.#writeClasses();
    } catch (error) {
      text(this.#problem, this.#because(error));
    }
  }

  #because(error: unknown): string {
    return error instanceof TypeError ? t("report.no_network") : (error as Error).message;
  }

  #writeClasses(): void {
    const chosen = this.#what.value;
    const groups = Map.groupBy(this.#classes, majorOf);
    const option = (one: PublicClass) => h("option", { value: one.class }, nameOf(one));
    this.#what.replaceChildren(
      h("option", { value: "" }, t("report.choose")),
      ...[...groups].map(([major, classes]) => h("optgroup", { label: major }, ...classes.map(option))),
    );
    this.#what.value = chosen;
  }

  #took(photo: Photo): void {
    this.#photos.push(photo);
    this.#showPhotos();
  }

  #showPhotos(): void {
    attribute(this.#photo, "hidden", this.#photos.length >= MOST_PHOTOS);
    const items = this.#photos.map((photo, number) => ({ photo, number }));
    keyed(this.#thumbnails, items, ({ number }) => String(number), ({ photo }) => h("div", {}, thumbnail(photo, t("report.photo"))), () => undefined); // prettier-ignore
  }

  async #sendIt(): Promise<void> {
    const position = this.#place.position;
    if (!this.#what.value) return this.#wants("report.needs_what", this.#what);
    if (!position) return this.#wants("report.needs_where", this.#place);
    text(this.#problem, "");
    attribute(this.#send, "disabled", true);
    try {
      const { id, follow } = this.#made;
      const report = { id, follow, class: this.#what.value, position, text: this.#text.value.trim(), address: this.#address.value.trim() };
      const { number } = await ask.report(report);
      this.#showDone(number, follow, this.#photos);
      this.#clear();
    } catch (error) {
      text(this.#problem, `${this.#because(error)} ${t("report.nothing_lost")}`);
    } finally {
      attribute(this.#send, "disabled", false);
    }
  }

  #wants(key: "report.needs_what" | "report.needs_where", place: { focus(): void }): void {
    text(this.#problem, t(key));
    place.focus();
  }

  #clear(): void {
    this.#made = { id: crypto.randomUUID(), follow: newSecret() };
    this.#photos = [];
    this.#what.value = "";
    this.#text.value = "";
    this.#address.value = "";
    this.#place.clear();
    this.#thumbnails.replaceChildren();
    attribute(this.#photo, "hidden", false);
  }

  #showDone(number: string, follow: string, photos: Photo[]): void {
    const link = linkOf(follow);
    const told = h("p", { class: "hint", role: "status" });
    const copy = said("button", "secondary", "report.copy");
    copy.addEventListener("click", () => void this.#share(link, told));
    const open = localText(h("a", { class: "primary", href: link }), "report.follow_it");
    const again = said("button", "secondary", "report.another");
    const title = h("h2", { tabindex: -1 }, t("report.done", { number }));
    const done = h(
      "section", { class: "done card" }, title, told, said("p", "", "report.keep_link"),
      h("p", { class: "link-text" }, link), h("div", { class: "pair" }, copy, open), again,
    ); // prettier-ignore
    again.addEventListener("click", () => this.element.replaceChildren(said("p", "lead", "report.lead"), this.#form));
    this.element.replaceChildren(done);
    title.focus();
    void this.#sendPhotos(follow, photos, told);
  }

  async #sendPhotos(follow: string, photos: Photo[], told: HTMLElement): Promise<void> {
    for (const [number, photo] of photos.entries()) {
      text(told, t("report.photo_goes", { n: number + 1, of: photos.length }));
      try {
        await ask.photo(follow, photo);
      } catch (error) {
        const again = said("button", "link", "report.photo_again");
        again.addEventListener("click", () => void this.#sendPhotos(follow, photos.slice(number), told));
        told.replaceChildren(`${t("report.photo_failed")} ${this.#because(error)} `, again);
        return;
      }
    }
    text(told, photos.length > 0 ? t("report.photos_there", { n: photos.length }) : "");
  }

  async #share(link: string, told: HTMLElement): Promise<void> {
    try {
      if (navigator.share) await navigator.share({ url: link });
      else await navigator.clipboard.writeText(link);
      text(told, t("report.copied"));
    } catch {
      text(told, t("report.copy_by_hand"));
    }
  }
}
