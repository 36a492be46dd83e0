/** One line at the foot of the page with one thing to do about it. */
import { h } from "../dom";
import { localText, type Key } from "../i18n";

const place = h("div", { class: "notices", role: "status", "aria-live": "polite" });
document.body.append(place);

export function notify(message: Key, label: Key, act: () => void = () => undefined): void {
  const button = localText(h("button", { type: "button", class: "secondary" }), label);
  const line = h("div", { class: "notice card" }, localText(h("p"), message), button);
  button.addEventListener("click", () => {
    line.remove();
    act();
  });
  place.replaceChildren(line);
}
