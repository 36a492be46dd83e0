/** The sign-in page, and the same card over the map when the session is over. */
import { BASE } from "../api";
import { attribute, h, text } from "../dom";
import { localText, said, t } from "../i18n";
import { choices } from "./choices";
import { codeField, field, form } from "./form";
import { AccountMenu } from "./menu";
import { askMe, askWays, may, onLost, signIn, takeLink, type Ways } from "./session";

/** The form to sign in; `done` is called when it let somebody in. */
export function card(ways: Ways, done: () => void): HTMLElement {
  const name = field("session.name", "text", "username");
  const password = field("session.password", "password", "current-password");
  const code = codeField();
  attribute(name.input, "autocapitalize", "none");
  code.element.hidden = true;
  const sign = form("session.sign_in", [name, password, code], async () => {
    const result = await signIn(name.input.value.trim(), password.input.value, code.input.value.trim());
    if (result === "in") return done();
    code.element.hidden = false;
    code.input.focus();
    return t("session.code_needed");
  });
  const provider = localText(h("a", { class: "secondary", href: `${BASE}/session/oidc` }), "session.provider");
  return h("div", { class: "sign-in-card card" }, sign, ways.oidc && provider);
}

/** Lets in who has a session or a link, shows the sign-in page to everybody else; resolves when signed in. */
export async function enter(app: Element): Promise<void> {
  const problem = await takeLink().then(() => "", (error: Error) => error.message); // prettier-ignore
  const known = await askedPatiently();
  if (!known) await signedIn(app, problem);
  app.replaceChildren();
  if (may("see_live")) return;
  const text_ = said("p", "sign-in-lead", "session.no_map");
  app.replaceChildren(h("main", { class: "sign-in" }, h("div", { class: "sign-in-inner" }, text_, new AccountMenu().element)));
  await new Promise(() => undefined); // such an account has nothing to do here
}

/** Shows the sign-in page until somebody is let in. */
async function signedIn(app: Element, problem: string): Promise<void> {
  const ways = await askWays();
  await new Promise<void>((resolve) => {
    const title = h("h1", { class: "brand sign-in-title" }, localText(h("span"), "app.title"), h("span", { class: "site" }, ways.site));
    const lead = said("p", "sign-in-lead", "session.lead");
    const told = h("p", { class: "form-problem", role: "status" });
    text(told, problem);
    const inner = h("div", { class: "sign-in-inner" }, title, lead, told, card(ways, resolve), choices());
    const page = h("main", { class: "sign-in" }, inner);
    app.replaceChildren(page);
    page.querySelector("input")?.focus();
  });
}

/** Who is signed in; a server that is just starting is asked again. */
async function askedPatiently(): Promise<unknown> {
  for (;;) {
    try {
      return await askMe();
    } catch {
      await new Promise((resolve) => window.setTimeout(resolve, 1_500));
    }
  }
}

/** Offers to sign in again over the map, which keeps standing still behind it. */
export function offerAgain(): void {
  onLost(() => {
    void askWays().then((ways) => {
      const title = said("h2", "", "session.over");
      title.id = "session-over";
      const again = card(ways, () => location.reload());
      const dialog = h("dialog", { class: "session-over", "aria-labelledby": title.id }, title, said("p", "", "session.over_lead"), again);
      document.body.append(dialog);
      dialog.showModal();
      dialog.querySelector("input")?.focus();
    });
  });
}
