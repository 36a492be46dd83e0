/** Taking photos with the device's own camera. */
import { attribute, h } from "./dom";
import { localText, type Key } from "./i18n";
import { icon } from "./panels/icons";

export interface Photo {
  bytes: ArrayBuffer;
  media_type: string;
}

const MOST_BYTES = 12_000_000;
const MOST_PX = 2_048;
const KEPT_AS_THEY_ARE = new Set(["image/jpeg", "image/png"]);

/** The file's bytes as they are (their time and place are read by the server); what is too large is made smaller. */
async function photoOf(file: File): Promise<Photo> {
  if (KEPT_AS_THEY_ARE.has(file.type) && file.size <= MOST_BYTES) {
    return { bytes: await file.arrayBuffer(), media_type: file.type };
  }
  const picture = await createImageBitmap(file);
  const share = Math.min(1, MOST_PX / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * share), Math.round(picture.height * share));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.88 });
  return { bytes: await blob.arrayBuffer(), media_type: "image/jpeg" };
}

/** A button that opens the camera; `taken` is given each photo, `failed` what could not be read as one. */
export function photoButton(label: Key, name: string, taken: (photo: Photo) => void, failed: () => void): HTMLElement {
  const input = h("input", { type: "file", class: "photo-input", accept: "image/jpeg,image/png", capture: "environment", name });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) photoOf(file).then(taken, failed);
  });
  const face = h("span", { class: "photo-face" }, icon("photo"), localText(h("span"), label));
  return h("label", { class: "photo-button" }, input, face);
}

/** A small picture of it; its address is given back when the picture is gone. */
export function thumbnail({ bytes, media_type }: Photo, label: string): HTMLImageElement {
  const url = URL.createObjectURL(new Blob([bytes], { type: media_type }));
  const picture = h("img", { class: "thumbnail", src: url, load: () => URL.revokeObjectURL(url) });
  attribute(picture, "alt", label);
  return picture;
}
