/** Oneself: duty, language, alerts, the app on the home screen, and signing out. */
import { attribute, h, text } from "../../dom";
import { localText, said, t, term } from "../../i18n";
import { choices } from "../../session/choices";
import { AccountMenu } from "../../session/menu";
import { who } from "../../session/session";
import { leave as signOut, type Known } from "../account";
import { DutySwitch } from "../duty";
import type { Field } from "../field";
import { askInstall, canInstall, onInstallable } from "../install";
import type { Page } from "../shell";
import type { Whereabouts } from "../whereabouts";

export class MePage implements Page {
  readonly element: HTMLElement;
  readonly title = "field.me";
  readonly leave: () => void;
  readonly #field: Field;
  readonly #known: Known;
  readonly #duty: DutySwitch;
  readonly #facts = h("p", { class: "faint" });
  readonly #alerts = said("button", "secondary", "field.alerts");
  readonly #install = said("button", "secondary", "field.install");
  readonly #account = h("div", { class: "account-place" });
  readonly #waits = h("p", {});
  readonly #confirm: HTMLDialogElement;

  constructor(field: Field, whereabouts: Whereabouts, known: Known) {
    this.#field = field;
    this.#known = known;
    this.#duty = new DutySwitch(field, whereabouts);
    this.#alerts.addEventListener("click", () => void Notification.requestPermission().then(() => this.refresh()));
    this.#install.addEventListener("click", () => void askInstall());
    this.leave = onInstallable(() => this.refresh());
    this.#confirm = this.#makeConfirm();
    const out = said("button", "secondary", "account.sign_out");
    out.addEventListener("click", () => void this.#signOut());
    const waiting = localText(h("a", { class: "secondary", href: "#/waiting" }), "field.waiting_open");
    this.element = h(
      "div", { class: "page" }, h("h2", {}, known.name), this.#facts, this.#duty.element, waiting, choices(),
      this.#alerts, this.#install, this.#account, out, this.#confirm,
    ); // prettier-ignore
  }

  refresh(): void {
    this.#duty.refresh();
    const { worker } = this.#field;
    const roles = this.#known.roles.map((role) => term("role", role));
    text(this.#facts, [...roles, worker?.department ?? "", ...(worker?.skills ?? [])].filter(Boolean).join(" · "));
    attribute(this.#alerts, "hidden", !("Notification" in window) || Notification.permission !== "default");
    attribute(this.#install, "hidden", !canInstall());
    // Password and authenticator need the network, and the account as the server knows it.
    if (who() && !this.#account.firstChild) this.#account.append(new AccountMenu(() => this.#signOut()).element);
  }

  async #signOut(): Promise<void> {
    const n = this.#field.waiting.length + this.#field.refused.length;
    if (n === 0) return signOut(this.#field.store);
    text(this.#waits, t("field.sign_out_loses", { n }));
    this.#confirm.showModal();
  }

  #makeConfirm(): HTMLDialogElement {
    const title = said("h2", "", "field.sign_out_title");
    title.id = "sign-out-title";
    const stay = said("button", "primary", "field.sign_out_stay");
    const out = said("button", "secondary", "field.sign_out_drop");
    const dialog = h("dialog", { class: "session-over", "aria-labelledby": title.id }, title, this.#waits, stay, out);
    stay.addEventListener("click", () => dialog.close());
    out.addEventListener("click", () => void signOut(this.#field.store));
    return dialog;
  }
}
