/** The phone of grid workers and handlers: who it is, then their pages; works on without a network. */
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/session.css";
import "../styles/marks.css";
import "../styles/phone.css";
import { h, text } from "../dom";
import { addTexts, entitle, localText, said, t } from "../i18n";
import { fieldEn } from "../i18n/field.en";
import { fieldZh } from "../i18n/field.zh";
import { choices } from "../session/choices";
import { card } from "../session/page";
import { askWays, may, who } from "../session/session";
import { followTheme } from "../theme";
import { lastKnown, leave, remember, settle, whoseNow, type Known } from "./account";
import { Alerts } from "./alerts";
import { Field } from "./field";
import { install } from "./install";
import { Shell } from "./shell";
import { Store } from "./store";
import { Whereabouts } from "./whereabouts";

addTexts({ en: fieldEn, zh: fieldZh });
followTheme();
entitle("field.title");
const app = document.querySelector<HTMLElement>("#app") ?? document.body;

/** The sign-in page, until somebody is let in. */
async function signedIn(): Promise<Known> {
  const before = lastKnown();
  const waiting = before ? await Store.waiting(before.id) : 0;
  const hint = h("p", { class: "sign-in-lead", role: "status" });
  if (before && waiting > 0) text(hint, t("field.waits_for", { n: waiting, name: before.name }));
  const ways = await askWays().catch(() => null);
  return new Promise((resolve) => {
    const done = async () => {
      const me = who();
      if (!me) return;
      await settle(me);
      resolve(remember(me));
    };
    const again = said("button", "primary", "field.again");
    again.addEventListener("click", () => location.reload());
    const form = ways ? card(ways, () => void done()) : h("div", { class: "form" }, said("p", "hint", "field.no_network"), again);
    const title = localText(h("h1", { class: "sign-in-title" }), "field.title");
    app.replaceChildren(h("main", { class: "sign-in" }, h("div", { class: "sign-in-inner" }, title, said("p", "sign-in-lead", "field.lead"), hint, form, choices())));
    app.querySelector("input")?.focus();
  });
}

const known = (await whoseNow().catch(() => null)) ?? (await signedIn());
const store = await Store.open(known.id);
if (who() && !may("work_field")) {
  const out = said("button", "secondary", "account.sign_out");
  out.addEventListener("click", () => void leave(store));
  app.replaceChildren(h("main", { class: "sign-in" }, h("div", { class: "sign-in-inner" }, said("p", "sign-in-lead", "field.no_work"), out)));
} else {
  const field = await Field.open(store);
  const whereabouts = new Whereabouts((here) => void field.place(here));
  const follow = () => whereabouts.duty(field.onDuty);
  field.onChange(follow);
  follow();
  const shell = new Shell(field, whereabouts, known);
  app.replaceChildren(shell.element);
  shell.show();
  field.kick();
  await field.refresh();
  new Alerts(field).open();
  void navigator.storage?.persist?.();
}
void install();
