/**
 * The phone's service worker: keeps the app's own files, so that it opens without a network, and shows alerts.
 *
 * It touches nothing of the API: what is personal lies in the account's own database, which signing out deletes.
 */
declare const FILES: { first: string[]; later: string[] };
declare const VERSION: string;
declare const self: ServiceWorkerGlobalScope;

const PREFIX = "citybrain-phone-";
const CACHE = PREFIX + VERSION;
const HOME = "/phone/";

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.first.map((path) => new Request(path, { cache: "no-cache" })));
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const settle = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(settle());
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(self.skipWaiting());
  // The page asks for the rest once it stands, so that the first opening is quick.
  if (event.data === "keep the rest") event.waitUntil(keepRest());
});

/** The map's parts: not needed at once, but without a network too. */
async function keepRest(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const path of FILES.later) {
    if (!(await cache.match(path))) await cache.add(path);
  }
}

async function kept(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const found = await cache.match(path);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && FILES.later.includes(path)) await cache.put(path, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === HOME) event.respondWith(kept(HOME, request));
  else if (FILES.first.includes(pathname) || FILES.later.includes(pathname)) event.respondWith(kept(pathname, request));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = `${HOME}#/messages`;
  const open = async () => {
    const [client] = await self.clients.matchAll({ type: "window" });
    if (!client) return self.clients.openWindow(path);
    client.postMessage("open messages");
    return client.focus();
  };
  event.waitUntil(open());
});

export {};
