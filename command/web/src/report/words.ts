/** Names in the chosen language. */
import { settings } from "../settings";

export const nameOf = ({ name, name_zh }: { name: string; name_zh: string }): string =>
  settings.language === "zh" && name_zh ? name_zh : name;

export const majorOf = ({ major, major_zh }: { major: string; major_zh: string }): string =>
  settings.language === "zh" && major_zh ? major_zh : major;

export function day(at: string): string {
  const locale = settings.language === "zh" ? "zh-CN" : "en-GB";
  return new Date(at).toLocaleDateString(locale, { day: "numeric", month: "long", year: "numeric" });
}
