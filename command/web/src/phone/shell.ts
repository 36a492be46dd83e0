/** The frame of the phone's pages: how it stands with the network, the page, and the four tabs. */
import { attribute, h, text } from "../dom";
import { entitle, localText, said, t, type Key } from "../i18n";
import { icon, type Icon } from "../panels/icons";
import { card } from "../session/page";
import { askWays, who } from "../session/session";
import { onSettings } from "../settings";
import { remember, type Known } from "./account";
import type { Field } from "./field";
import { MePage } from "./pages/me";
import { MessagesPage } from "./pages/messages";
import { ReportPage } from "./pages/report";
import { TaskPage } from "./pages/task";
import { TasksPage } from "./pages/tasks";
import { WaitingPage } from "./pages/waiting";
import type { Whereabouts } from "./whereabouts";

export interface Page {
  element: HTMLElement;
  title: Key;
  /** Shows what has changed. */
  refresh(): void;
  /** The page is left for another. */
  leave?(): void;
}

const TABS: [path: string, label: Key, icon: Icon][] = [
  ["tasks", "field.tasks", "list"],
  ["report", "field.report", "plus"],
  ["messages", "field.messages", "letter"],
  ["me", "field.me", "person"],
];

export class Shell {
  readonly element = h("div", { class: "phone" });
  readonly #field: Field;
  readonly #whereabouts: Whereabouts;
  readonly #known: Known;
  readonly #title = h("h1", { class: "phone-title" });
  readonly #status = h("a", { class: "net", href: "#/waiting" });
  readonly #banner = h("div", { class: "banner", role: "alert" });
  readonly #main = h("main", { class: "phone-main", tabindex: -1 });
  readonly #tabs = new Map<string, { link: HTMLElement; count: HTMLElement }>();
  #page: Page | null = null;
  #path = "";

  constructor(field: Field, whereabouts: Whereabouts, known: Known) {
    this.#field = field;
    this.#whereabouts = whereabouts;
    this.#known = known;
    const nav = h("nav", { class: "tabs" });
    for (const [path, label, name] of TABS) {
      const count = h("span", { class: "tab-count" });
      const link = h("a", { class: "tab", href: `#/${path}` }, icon(name), localText(h("span"), label), count);
      this.#tabs.set(path, { link, count });
      nav.append(link);
    }
    this.element.append(h("header", { class: "phone-head" }, this.#title, this.#status), this.#banner, this.#main, nav);
    window.addEventListener("hashchange", () => this.show());
    field.onChange(() => this.#refresh());
    onSettings((_, changed) => changed === "language" && this.#refresh());
  }

  /** The page that the address names. */
  show(): void {
    const [path = "", id = ""] = (location.hash.replace(/^#\//, "") || "tasks").split("/");
    const whole = `${path}/${id}`;
    if (whole === this.#path) return;
    const isFirst = this.#path === "";
    this.#path = whole;
    this.#page?.leave?.();
    this.#page = this.#pageOf(path, id);
    this.#main.replaceChildren(this.#page.element);
    this.#main.scrollTop = 0;
    if (!isFirst) this.#main.focus({ preventScroll: true });
    this.#refresh();
  }

  #pageOf(path: string, id: string): Page {
    const field = this.#field;
    if (path === "task" && field.tasks.some((task) => task.id === id)) return new TaskPage(field, this.#whereabouts, id);
    if (path === "report") return new ReportPage(field, this.#whereabouts);
    if (path === "messages") return new MessagesPage(field);
    if (path === "waiting") return new WaitingPage(field, this.#whereabouts);
    if (path === "me") return new MePage(field, this.#whereabouts, this.#known);
    return new TasksPage(field, this.#whereabouts);
  }

  #refresh(): void {
    const page = this.#page;
    if (!page) return;
    page.refresh();
    text(this.#title, t(page.title));
    entitle(page.title);
    this.#showNet();
    this.#count("tasks", this.#field.tasks.filter(({ finished }) => !finished).length);
    this.#count("messages", this.#field.unread);
    const [path = ""] = this.#path.split("/");
    const tab = path === "task" ? "tasks" : path;
    for (const [name, { link }] of this.#tabs) attribute(link, "aria-current", name === tab ? "page" : null);
  }

  #count(tab: string, n: number): void {
    const count = this.#tabs.get(tab)?.count;
    if (!count) return;
    text(count, n > 0 ? String(n) : "");
  }

  #showNet(): void {
    const { net, waiting, refused } = this.#field;
    const n = waiting.length;
    const state = refused.length > 0 && net !== "signed-out" ? "refused" : net;
    attribute(this.#status, "data-state", state);
    attribute(this.#status, "data-waiting", n);
    const parts = [state === "refused" ? t("field.net.refused", { n: refused.length }) : t(`field.net.${net}`)];
    if (n > 0) parts.push(t("field.net.waiting", { n }));
    text(this.#status, parts.join(" · "));
    if (net !== "signed-out") this.#banner.replaceChildren();
    else if (!this.#banner.firstChild) this.#offerSignIn();
  }

  /** Work goes on behind it: what is done now waits as without a network. */
  #offerSignIn(): void {
    const dialog = h("dialog", { class: "session-over", "aria-labelledby": "session-over" });
    const open = said("button", "primary", "session.sign_in");
    open.addEventListener("click", () => void this.#openSignIn(dialog));
    this.#banner.append(said("p", "", "field.signed_out"), open, dialog);
  }

  async #openSignIn(dialog: HTMLDialogElement): Promise<void> {
    const ways = await askWays().catch(() => null);
    if (!ways) return this.#field.kick();
    const title = said("h2", "", "session.over");
    title.id = "session-over";
    const done = () => {
      const me = who();
      if (!me) return;
      dialog.close();
      if (me.id !== this.#known.id) return location.reload(); // somebody else: their own phone from the start
      remember(me);
      this.#field.signedIn();
    };
    dialog.replaceChildren(title, card(ways, done));
    dialog.showModal();
    dialog.querySelector("input")?.focus();
  }
}
