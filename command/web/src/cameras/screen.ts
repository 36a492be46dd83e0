/** One camera's moving picture: the newest replaces the last, which is let go of. */
import { attribute, h, text } from "../dom";
import { t, type Key } from "../i18n";
import type { CameraPicture } from "./look";

export class Screen {
  readonly image = h("img", { class: "picture", decoding: "async", hidden: true });
  readonly #none = h("p", { class: "picture-none" });
  readonly element = h("div", { class: "picture-frame" }, this.image, this.#none);
  #url = "";
  at: string | null = null;

  /** Nothing is shown, and why. */
  clear(why: Key): void {
    this.#letGo();
    this.at = null;
    this.image.removeAttribute("src");
    attribute(this.image, "hidden", true);
    attribute(this.#none, "hidden", false);
    text(this.#none, t(why));
  }

  show({ camera, at, jpeg }: CameraPicture): void {
    const last = this.#url;
    this.#url = URL.createObjectURL(jpeg);
    this.image.src = this.#url;
    this.at = at;
    attribute(this.image, "alt", t("camera.picture", { name: camera }));
    attribute(this.image, "hidden", false);
    attribute(this.#none, "hidden", true);
    if (last) URL.revokeObjectURL(last);
  }

  #letGo(): void {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }
}
