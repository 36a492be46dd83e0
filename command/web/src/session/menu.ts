/** The account's menu in the header: who, sign out, password, authenticator. */
import { attribute, h, text } from "../dom";
import { localLabel, localText, said, t, term, type Key } from "../i18n";
import { icon } from "../panels/icons";
import { codeField, field, form } from "./form";
import { beginTotp, changePassword, confirmTotp, removeTotp, signOut, who } from "./session";

export class AccountMenu {
  readonly element: HTMLElement;
  readonly #dialog: HTMLDialogElement;
  readonly #body = h("div", { class: "account-body" });

  /** `leave` signs out. */
  constructor(private readonly leave: () => Promise<void> = signOut) {
    const name = h("span", { class: "account-name" }, who()?.name ?? "");
    const button = localLabel(h("button", { type: "button", class: "account-button", "aria-haspopup": "dialog", click: () => this.#open() }, icon("person"), name), "account.menu", true);
    const close = localLabel(h("button", { type: "button", class: "icon-button", click: () => this.#dialog.close() }, icon("close")), "side.close", true);
    const title = said("h2", "", "account.menu");
    title.id = "account-title";
    const head = h("div", { class: "account-head" }, title, close);
    this.#dialog = h("dialog", { class: "account-dialog card", "aria-labelledby": title.id }, head, this.#body);
    // A click beside it closes it, as Escape does.
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.element = h("div", { class: "account" }, button, this.#dialog);
  }

  #open(): void {
    this.#home();
    this.#dialog.showModal();
  }

  #home(): void {
    const me = who();
    if (!me) return;
    const roles = me.roles.map((role) => term("role", role)).join(", ");
    const places = me.districts.length > 0 ? me.districts.join(", ") : t("account.whole_city");
    const facts = h("p", { class: "facts" }, me.name, h("br"), roles, h("br"), places);
    if (me.by !== "session") {
      this.#body.replaceChildren(facts, said("p", "facts", "account.kiosk"));
      return;
    }
    const own: HTMLElement[] = [];
    if (me.local) {
      own.push(this.#action("account.password", () => this.#password()));
      own.push(me.totp ? this.#action("account.totp_remove", () => this.#removal()) : this.#action("account.totp", () => void this.#totp()));
    }
    this.#body.replaceChildren(facts, ...own, this.#action("account.sign_out", () => void this.leave()));
  }

  #action(label: Key, act: () => void): HTMLElement {
    return localText(h("button", { type: "button", class: "secondary", "data-action": label, click: act }), label);
  }

  #show(...parts: HTMLElement[]): void {
    this.#body.replaceChildren(...parts, this.#action("account.back", () => this.#home()));
    this.#body.querySelector("input")?.focus();
  }

  #password(): void {
    const old = field("account.old", "password", "current-password");
    const fresh = field("account.new", "password", "new-password");
    this.#show(form("account.change", [old, fresh], async () => {
      await changePassword(old.input.value, fresh.input.value);
      this.#done("account.changed");
    })); // prettier-ignore
  }

  #removal(): void {
    const password = field("session.password", "password", "current-password");
    this.#show(form("account.totp_remove", [password], async () => {
      await removeTotp(password.input.value);
      this.#done("account.totp_removed");
    })); // prettier-ignore
  }

  async #totp(): Promise<void> {
    try {
      const made = await beginTotp();
      if (!made) return;
      const picture = h("img", { class: "account-qr", src: `data:image/svg+xml,${encodeURIComponent(namespaced(made.svg))}` });
      attribute(picture, "alt", t("account.qr"));
      const secret = h("code", { class: "account-secret" }, made.secret);
      const code = codeField();
      this.#show(said("p", "facts", "account.totp_lead"), picture, secret, form("account.totp_confirm", [code], async () => {
        await confirmTotp(code.input.value.trim());
        this.#done("account.totp_done");
      })); // prettier-ignore
    } catch (error) {
      const problem = h("p", { class: "form-problem", role: "alert" });
      this.#show(problem);
      text(problem, (error as Error).message);
    }
  }

  #done(message: Key): void {
    this.#home();
    const told = said("p", "form-done", message);
    attribute(told, "role", "status");
    this.#body.prepend(told);
  }
}

/** An SVG that stands alone as a picture must name its namespace. */
const namespaced = (svg: string): string => svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
