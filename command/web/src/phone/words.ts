/** How the phone says times, distances and names. */
import { age, number, t } from "../i18n";
import { settings } from "../settings";
import type { CaseClass } from "./contract";
import type { Entry } from "./store";

/** "in 2 h", "1 h overdue"; empty without a limit. */
export function dueText(due_at: string | null): string {
  if (!due_at) return "";
  const left_s = (Date.parse(due_at) - Date.now()) / 1000;
  return left_s >= 0 ? t("field.due", { age: age(left_s) }) : t("field.overdue", { age: age(-left_s) });
}

export const isOverdue = (due_at: string | null): boolean => due_at !== null && Date.parse(due_at) < Date.now();

export function distanceText(metres: number): string {
  if (metres < 950) return `${number(Math.round(metres / 10) * 10)} m`;
  return `${number(metres / 1000, metres < 9_500 ? 1 : 0)} km`;
}

export function className(class_: Pick<CaseClass, "name" | "name_zh"> | undefined, code: string): string {
  if (!class_) return code;
  return settings.language === "zh" && class_.name_zh ? class_.name_zh : class_.name;
}

export function majorName({ major, major_zh }: Pick<CaseClass, "major" | "major_zh">): string {
  return settings.language === "zh" && major_zh ? major_zh : major;
}

/** What an entry is: "Report", "Photo before", … */
export function entryText({ deed, upload, rollCall }: Entry): string {
  if (upload) return upload.kind === "report" ? t("field.photo") : t(`field.what.${upload.kind}`);
  if (rollCall) return t("field.what.presence");
  if (deed?.do === "duty") return t(deed.on ? "field.what.duty_on" : "field.what.duty_off");
  if (deed?.do === "check_in" && deed.on_scene) return t("field.what.on_scene");
  return deed ? t(`field.what.${deed.do}`) : "";
}
