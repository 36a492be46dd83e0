/** Why somebody looks at cameras: asked for, recorded by the server, and only then are there pictures. */
import { BASE } from "../api";
import { attribute, h, text } from "../dom";
import { said, t, type Key } from "../i18n";
import { send } from "../session/session";

/** What a look can be about without anybody putting it in words. */
export type Why = { purpose: "event"; event: string } | { purpose: "case"; case: string };

export interface Look {
  look: string;
  cameras: string[];
  ends_at: string;
}

const PURPOSES = ["monitoring", "maintenance"] as const;
const LEAST_REASON = 3;

/** What was said last, offered again; forgotten with the page. */
let last: { purpose: (typeof PURPOSES)[number]; reason: string } = { purpose: "monitoring", reason: "" };

export async function begin(cameras: string[], why: Why | typeof last): Promise<Look> {
  const look = await send<Look>("POST", "/looks", { cameras, ...why });
  if (!look) throw new Error(t("camera.nopicture"));
  return look;
}

/** Asks why; resolves with the look that the server recorded, or with null where nobody says. */
export function askWhy(cameras: string[]): Promise<Look | null> {
  return new Promise((resolve) => {
    const title = said("h2", "", "look.title");
    title.id = "look-title";
    const purposes = PURPOSES.map((purpose) => {
      const input = h("input", { type: "radio", name: "purpose", value: purpose });
      input.checked = purpose === last.purpose;
      return h("label", { class: "look-purpose" }, input, t(`look.${purpose}` satisfies Key));
    });
    const reason = h("input", { id: "look-reason", class: "field-input", type: "text", maxlength: 200, autocomplete: "off" });
    reason.value = last.reason;
    const problem = h("p", { class: "form-problem", role: "alert" });
    const go = said("button", "primary", "look.begin");
    attribute(go, "type", "submit");
    const cancel = said("button", "secondary", "look.cancel");
    attribute(cancel, "type", "button");
    const what = cameras.length === 1 ? t("camera.title", { name: cameras[0] ?? "" }) : t("look.cameras", { n: cameras.length });
    const form = h(
      "form",
      { class: "form", novalidate: true },
      h("p", { class: "facts" }, what, h("br"), t("look.lead")),
      h("fieldset", { class: "look-purposes" }, h("legend", { class: "field-label" }, t("look.purpose")), ...purposes),
      h("div", { class: "field" }, h("label", { class: "field-label", for: reason.id }, t("look.reason")), reason),
      problem,
      h("div", { class: "look-deeds" }, cancel, go),
    );
    const dialog = h("dialog", { class: "look-dialog card", "aria-labelledby": title.id }, title, form);
    let found: Look | null = null;
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(found);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = reason.value.trim();
      if (words.length < LEAST_REASON) {
        text(problem, t("look.say"));
        reason.focus();
        return;
      }
      const purpose = new FormData(form).get("purpose") as (typeof PURPOSES)[number];
      last = { purpose, reason: words };
      begin(cameras, last).then(
        (look) => {
          found = look;
          dialog.close();
        },
        (error: Error) => text(problem, error.message),
      );
    });
    document.body.append(dialog);
    dialog.showModal();
    reason.focus();
    reason.select();
  });
}

export interface CameraPicture {
  camera: string;
  at: string;
  jpeg: Blob;
}

const decoder = new TextDecoder();

/** Reads the pictures of a look over one connection until it ends or is aborted; true where it ran to its end. */
export async function watch(look: Look, rate_hz: number, take: (picture: CameraPicture) => void, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${BASE}/looks/${look.look}/pictures?rate_hz=${rate_hz}`, { signal });
    const reader = response.ok && response.body?.getReader();
    if (!reader) return true;
    let held = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      const joined = new Uint8Array(held.length + value.length);
      joined.set(held);
      joined.set(value, held.length);
      held = joined.slice(takeParts(joined, take));
    }
  } catch {
    return !signal.aborted; // a broken line ends the look for this page
  }
}

/** Hands out the whole parts at the start of `bytes`; how many bytes they took. */
function takeParts(bytes: Uint8Array, take: (picture: CameraPicture) => void): number {
  let used = 0;
  for (;;) {
    const head_end = endOfHead(bytes, used);
    if (head_end < 0) return used;
    const head = decoder.decode(bytes.subarray(used, head_end));
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
    const end = head_end + Number(field("content-length"));
    if (bytes.length < end + 2) return used;
    take({ camera: field("x-camera"), at: field("x-captured-at"), jpeg: new Blob([bytes.slice(head_end, end)], { type: "image/jpeg" }) });
    used = end + 2;
  }
}

/** Where the empty line after a part's head ends; -1 where it has not come yet. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let i = from; i + 3 < bytes.length; i++) {
    if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) return i + 4;
  }
  return -1;
}
