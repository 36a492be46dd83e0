/** Who could be sent to a case, ranked by the server, each with its reason. */
import { number, t, type Key } from "../i18n";
import { settings } from "../settings";
import { calls } from "./calls";
import type { TaskKind, Unit } from "./contract";
import type { Option } from "./fields";
import { span } from "./timeleft";

/** The nearest first of all, which the server chooses when it is done; then everybody by rank. */
export async function unitOptions(id: string, kind: TaskKind): Promise<Option[]> {
  const units = await calls.units(id, kind);
  const first = units.find(({ suitable }) => suitable);
  const nearest: Option = {
    label: t("deed.nearest"), value: undefined,
    more: first ? t("deed.nearest_now", { name: first.worker }) : t("deed.nobody"),
  }; // prettier-ignore
  return [nearest, ...units.map((unit) => ({ label: unit.worker, value: unit.worker, more: why(unit), isOff: !mayBeNamed(unit) }))];
}

/** As the server holds it: who is far or silent may be named, who is off duty or may not do it not. */
const mayBeNamed = ({ suitable, reason }: Unit): boolean => suitable || reason.startsWith("position");

const FAULTS: readonly [RegExp, Key][] = [
  [/^handled, refused or reported/, "unit.excluded"],
  [/^off duty/, "unit.off_duty"],
  [/^has not the skill (.+)$/, "unit.no_skill"],
  [/^position unknown/, "unit.unknown"],
  [/^position (.+) old: not trusted/, "unit.stale"],
  [/^has (\d+) open tasks already/, "unit.full"],
  [/^no way leads there/, "unit.no_way"],
];

/** The server's reason. It speaks English: in another language it is said again from what is known of the unit. */
export function why(unit: Unit): string {
  if (settings.language === "en") return unit.reason;
  if (unit.suitable) {
    const travel = unit.travel_s === null ? "–" : span(unit.travel_s);
    return t("unit.suits", { travel, tasks: unit.tasks, age: number(unit.age_s) });
  }
  for (const [pattern, key] of FAULTS) {
    const match = pattern.exec(unit.reason);
    if (match) return t(key, { value: match[1] ?? "" });
  }
  return unit.reason;
}
