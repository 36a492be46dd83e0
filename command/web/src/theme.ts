/** The chosen theme, written on the document. */
import { effectiveTheme, onSettings } from "./settings";

function apply(): void {
  document.documentElement.dataset["theme"] = effectiveTheme();
}

export function followTheme(): void {
  apply();
  onSettings((_, changed) => changed === "theme" && apply());
}
