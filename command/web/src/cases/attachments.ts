/** Photos and voice of a case. Each look is written into the audit, so nothing is fetched before somebody asks. */
import { h, attribute } from "../dom";
import { dateTime, t, term } from "../i18n";
import { calls } from "./calls";
import type { Attachment } from "./contract";

export class Attachments {
  readonly element = h("div", { class: "case-pictures" });
  #items: readonly Attachment[] = [];
  #isOpen = false;
  #shown = "";

  /** Another case: what was opened is closed again. */
  reset(): void {
    this.#isOpen = false;
    this.#shown = "";
    this.show([]);
  }

  show(items: readonly Attachment[]): void {
    this.#items = items;
    const shown = JSON.stringify([this.#isOpen, items.map(({ id }) => id), document.documentElement.lang]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    attribute(this.element, "hidden", items.length === 0);
    if (this.#isOpen) this.element.replaceChildren(...items.map(figure));
    else this.element.replaceChildren(this.#offer());
  }

  #offer(): HTMLElement {
    const open = () => {
      this.#isOpen = true;
      this.show(this.#items);
      this.element.querySelector<HTMLElement>("a, audio")?.focus();
    };
    const button = h("button", { type: "button", class: "deed", "data-tool": "pictures", click: open }, t("cases.pictures", { n: this.#items.length }));
    return h("p", { class: "case-look" }, button, h("span", { class: "field-hint" }, t("cases.look_recorded")));
  }
}

function figure({ id, kind, media_type, taken_at, created_at }: Attachment): HTMLElement {
  const source = calls.picture(id);
  const label = `${term("attachment", kind)}, ${dateTime(taken_at ?? created_at)}`;
  const body = media_type.startsWith("audio/")
    ? h("audio", { src: source, controls: true, preload: "none", "aria-label": label })
    : h("a", { href: source, target: "_blank", rel: "noopener" }, h("img", { src: source, alt: label, class: "case-picture" }));
  return h("figure", {}, body, h("figcaption", {}, label));
}
