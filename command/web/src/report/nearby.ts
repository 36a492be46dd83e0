/** Open cases near by: which cell of about 100 m, which class, since which day; never where exactly, never whose. */
import type { LonLat } from "../contract";
import { bearing_deg, distance_m } from "../here";
import { h, text } from "../dom";
import { said, t } from "../i18n";
import { onSettings } from "../settings";
import { ask, type Nearby } from "./calls";
import { PlaceChoice } from "./place";
import { day, nameOf } from "./words";

export class NearbyPage {
  readonly element: HTMLElement;
  readonly #place = new PlaceChoice((position) => void this.#look(position));
  readonly #list = h("ul", { class: "nearby" });
  readonly #told = h("p", { class: "hint", role: "status" });
  #items: Nearby[] = [];
  #around: LonLat | null = null;

  constructor() {
    this.element = h("div", { class: "stack" }, said("p", "lead", "report.nearby_lead"), this.#place.element, this.#told, this.#list);
    onSettings((_, changed) => changed === "language" && this.#write());
  }

  async #look(position: LonLat): Promise<void> {
    try {
      this.#items = await ask.nearby(position);
      this.#around = position;
      this.#write();
    } catch (error) {
      text(this.#told, error instanceof TypeError ? t("report.no_network") : (error as Error).message);
    }
  }

  #write(): void {
    const around = this.#around;
    if (!around) return;
    text(this.#told, this.#items.length > 0 ? t("report.nearby_found", { n: this.#items.reduce((sum, { number }) => sum + number, 0) }) : t("report.nearby_none"));
    const away = ({ center }: Nearby) => distance_m(around, center);
    const items = this.#items.toSorted((a, b) => away(a) - away(b));
    this.#list.replaceChildren(...items.map((one) => this.#row(one, around)));
    const cells = Map.groupBy(items, ({ center }) => center.join(" "));
    this.#place.marks(
      [...cells].flatMap(([id, [first, ...rest]]) => {
        if (!first) return [];
        const number = [first, ...rest].reduce((sum, one) => sum + one.number, 0);
        const label = [first, ...rest].map((one) => `${one.number} × ${nameOf(one)}`).join(", ");
        return [{ id, position: first.center, kind: "cell", label, text: String(number) }];
      }),
    );
  }

  #row(one: Nearby, around: LonLat): HTMLElement {
    const metres = Math.round(distance_m(around, one.center) / 50) * 50;
    const winds = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;
    const wind = winds[Math.round(bearing_deg(around, one.center) / 45) % 8] ?? "n";
    const where = metres < 75 ? t("report.around_here") : t("report.away", { n: metres, wind: t(`report.wind.${wind}`) });
    const many = one.number > 1 ? ` × ${one.number}` : "";
    return h("li", { class: "card" }, h("strong", {}, nameOf(one) + many), h("span", {}, `${where} · ${t("report.since", { day: day(one.since) })}`));
  }
}
