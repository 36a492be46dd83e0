/** Calls of the phone: JSON or bytes, and one kind of error for "nobody answered". */
import { ApiError, BASE, failure } from "../api";
import { who } from "../session/session";

/** No network, or a server that cannot answer now: the same again later. */
export class Away extends Error {}

const PATIENCE_MS = 45_000;

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const me = who();
  if (me && method !== "GET") headers["X-CSRF-Token"] = me.csrf;
  const isBytes = body instanceof ArrayBuffer;
  if (body !== undefined) headers["Content-Type"] = isBytes ? "application/octet-stream" : "application/json";
  const sent = body === undefined ? null : isBytes ? body : JSON.stringify(body);
  try {
    const response = await fetch(BASE + path, { method, headers, body: sent, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status >= 500 || response.status === 429) throw new Away(response.statusText);
    if (!response.ok) throw await failure(response);
    return (response.status === 204 ? null : await response.json()) as T;
  } catch (error) {
    if (error instanceof ApiError || error instanceof Away) throw error;
    throw new Away((error as Error).message); // the connection broke, before the answer or within it
  }
}
