/** What happened to a case: who did what, when and why; nothing of it can be changed. */
import { attribute, h, keyed, text } from "../dom";
import { dateTime, t, term } from "../i18n";
import type { Entry } from "./contract";

export function showHistory(list: HTMLOListElement, entries: readonly Entry[]): void {
  const make = () => h("li", { class: "entry" }, ...["entry-what", "entry-who", "entry-why"].map((name) => h("span", { class: name })), h("time", { class: "entry-at" }));
  keyed(list, entries.toReversed(), ({ id }) => String(id), make, (item, entry) => {
    const [what, who, why, at] = [...item.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
    text(what, term("entry", entry.what));
    text(who, entry.actor ?? t("cases.by_system"));
    text(why, reasonOf(entry));
    text(at, dateTime(entry.at));
    attribute(at, "datetime", entry.at);
  });
}

/** Some texts are words of the system itself: kinds of tasks and departments. */
function reasonOf({ what, text: said }: Entry): string {
  if (what === "on_scene" || what === "nobody_to_send") return term("task", said);
  if (what === "dispatched") {
    const [department = "", ...rest] = said.split(": ");
    return [term("department", department), ...rest].join(": ");
  }
  if (what === "attached") return term("attachment", said);
  return said;
}
