/** The service worker, and the offer to put the app on the home screen. */
import { notify } from "./notice";

interface InstallPrompt extends Event {
  prompt(): Promise<void>;
}

let offered: InstallPrompt | null = null;
const listeners = new Set<() => void>();

window.addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offered = event as InstallPrompt;
  for (const listener of listeners) listener();
});

/** Whether the browser offers to install the app. */
export const canInstall = (): boolean => offered !== null;

/** Calls `listener` when that changes, until the function that is returned is called. */
export function onInstallable(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function askInstall(): Promise<void> {
  await offered?.prompt();
  offered = null;
  for (const listener of listeners) listener();
}

/** Registers the worker; a new version takes over when its worker says so, not under the hands. */
export async function install(): Promise<void> {
  if (!("serviceWorker" in navigator)) return; // such as over plain http: the app works, but not without a network
  const worker = navigator.serviceWorker;
  const options = { scope: "/phone/", updateViaCache: "none" } as const;
  const registration = (await worker.register("/phone/worker.js", options)) as ServiceWorkerRegistration | undefined;
  if (!registration) return; // a browser that was told to allow none
  worker.addEventListener("message", ({ data }) => {
    if (data === "open messages") location.hash = "#/messages";
  });
  let reloads = false;
  worker.addEventListener("controllerchange", () => reloads && location.reload());
  const offer = (fresh: ServiceWorker) =>
    notify("field.new_version", "field.load_it", () => {
      reloads = true;
      fresh.postMessage("take over");
    });
  if (registration.waiting) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const fresh = registration.installing;
    fresh?.addEventListener("statechange", () => {
      if (fresh.state === "installed" && worker.controller) offer(fresh);
    });
  });
  const ready = await worker.ready;
  ready.active?.postMessage("keep the rest");
}
