/** A voice note, where the browser can record one. */
import { attribute, h, text } from "../dom";
import { localText, said, t } from "../i18n";
import { icon } from "../panels/icons";
import type { Photo } from "../photo";

const LONGEST_S = 120;
const BITS_PER_S = 24_000;
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export const canRecord = (): boolean => "MediaRecorder" in window && "mediaDevices" in navigator;

export function voiceButton(taken: (voice: Photo) => void): HTMLElement {
  let recorder: MediaRecorder | null = null;
  const label = h("span");
  const problem = h("p", { class: "form-problem", role: "alert" });
  const button = h("button", { type: "button", class: "photo-face", click: () => (recorder ? recorder.stop() : void begin()) }, icon("voice"), label);
  localText(label, "field.voice");

  async function begin(): Promise<void> {
    text(problem, "");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      record(stream);
    } catch {
      text(problem, t("field.voice.refused"));
    }
  }

  function record(stream: MediaStream): void {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const pieces: Blob[] = [];
    const made = new MediaRecorder(stream, { audioBitsPerSecond: BITS_PER_S, ...(mimeType ? { mimeType } : {}) });
    recorder = made;
    const begun_ms = performance.now();
    const show = () => {
      const seconds = (performance.now() - begun_ms) / 1000;
      text(label, t("field.voice.stop", { n: Math.floor(seconds) }));
      if (seconds >= LONGEST_S && made.state === "recording") made.stop();
    };
    show();
    const ticking = window.setInterval(show, 500);
    made.ondataavailable = ({ data }) => pieces.push(data);
    made.onstop = () => {
      window.clearInterval(ticking);
      for (const track of stream.getTracks()) track.stop();
      recorder = null;
      attribute(button, "data-recording", false);
      text(label, t("field.voice"));
      const media_type = (made.mimeType || "audio/webm").split(";")[0] ?? "audio/webm";
      void new Blob(pieces).arrayBuffer().then((bytes) => bytes.byteLength > 0 && taken({ bytes, media_type }));
    };
    attribute(button, "data-recording", true);
    made.start();
  }

  if (!canRecord()) return said("p", "hint", "field.voice.none");
  return h("div", {}, button, problem);
}
