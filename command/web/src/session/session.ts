/** Who is signed in: asked for once, kept here, and told to everybody when it is over. */
import { ApiError, BASE, SIGNED_OUT, failure } from "../api";

export interface Ways {
  site: string;
  signed_in: boolean;
  password: boolean;
  oidc: boolean;
}

export interface Me {
  id: string;
  name: string;
  roles: string[];
  districts: string[];
  actions: string[];
  by: "session" | "token" | "kiosk";
  csrf: string;
  ends_at: string | null;
  totp: boolean;
  local: boolean;
}

export interface Authenticator {
  secret: string;
  uri: string;
  svg: string;
}

let me: Me | null = null;
let lost = false;
const listeners = new Set<() => void>();

export const who = (): Me | null => me;
export const may = (action: string): boolean => me?.actions.includes(action) ?? false;
export const isLost = (): boolean => lost;

/** Calls `listener` when the session is over. */
export function onLost(listener: () => void): void {
  listeners.add(listener);
}

/** The session is over: says so once. */
export function lose(): void {
  if (lost || !me) return;
  lost = true;
  for (const listener of listeners) listener();
}

window.addEventListener(SIGNED_OUT, lose);

/** Sends a change, with the token that shows that this page is the server's own. */
export async function send<T>(method: string, path: string, body?: unknown): Promise<T | null> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (me?.csrf) headers["X-CSRF-Token"] = me.csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(BASE + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!response.ok) {
    const fault = await failure(response);
    if (fault.status === 401 && !path.startsWith("/session")) lose();
    throw fault;
  }
  return response.status === 204 ? null : ((await response.json()) as T);
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(BASE + path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw await failure(response);
  return (await response.json()) as T;
}

export const askWays = (): Promise<Ways> => get<Ways>("/session/ways");

/** Fetches who is signed in; null where nobody is. */
export async function askMe(): Promise<Me | null> {
  const ways = await askWays();
  me = ways.signed_in ? await get<Me>("/me") : null;
  return me;
}

/** Asks whether the session still stands, and says so where it does not. */
export async function checkSession(): Promise<void> {
  try {
    if (!(await askWays()).signed_in) lose();
  } catch {
    // a server that is away is no session that is over
  }
}

/** Signs in by name and password; "code" where the account wants one too. */
export async function signIn(name: string, password: string, code: string): Promise<"in" | "code"> {
  try {
    me = await send<Me>("POST", "/session", { name, password, code: code || null });
    return "in";
  } catch (error) {
    if (error instanceof ApiError && error.field === "code") return "code";
    throw error;
  }
}

/** Takes the one-time link that the address holds, if any, and clears it away. */
export async function takeLink(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get("enter");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  // A link that was used before is no fault where its session still stands.
  if ((await askWays()).signed_in) return;
  me = await send<Me>("POST", "/session/link", { token });
}

export async function signOut(): Promise<void> {
  await send("DELETE", "/session");
  location.reload();
}

export const beginTotp = (): Promise<Authenticator | null> => send<Authenticator>("POST", "/me/totp");

export async function confirmTotp(code: string): Promise<void> {
  await send("PUT", "/me/totp", { code });
  if (me) me.totp = true;
}

export async function removeTotp(password: string): Promise<void> {
  await send("POST", "/me/totp/removal", { password });
  if (me) me.totp = false;
}

export async function changePassword(old: string, fresh: string): Promise<void> {
  await send("PUT", "/me/password", { old, new: fresh });
}
