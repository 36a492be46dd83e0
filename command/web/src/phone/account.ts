/** Whose phone this is: known without a network too, until the account signs out. */
import { ApiError } from "../api";
import { askMe, send, takeLink, type Me } from "../session/session";
import { Store } from "./store";

export interface Known {
  id: string;
  name: string;
  roles: string[];
}

const KNOWN = "citybrain.phone.account";
/** Signed out without a network: the session is ended as soon as there is one. */
const ENDING = "citybrain.phone.ending";

export function lastKnown(): Known | null {
  try {
    return JSON.parse(localStorage.getItem(KNOWN) ?? "null") as Known | null;
  } catch {
    return null;
  }
}

export function remember({ id, name, roles }: Me): Known {
  const known = { id, name, roles };
  localStorage.setItem(KNOWN, JSON.stringify(known));
  return known;
}

/** Who uses this phone now: signed in, or known from before while there is no network; null: nobody. */
export async function whoseNow(): Promise<Known | null> {
  try {
    await endSession();
    await takeLink();
    const me = await askMe();
    if (!me) return null;
    await settle(me);
    return remember(me);
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) throw error;
    return lastKnown();
  }
}

/** Somebody else than before: all of the one before goes, but what waits to be sent, which only they can send. */
export async function settle(me: Me): Promise<void> {
  const before = lastKnown();
  if (!before || before.id === me.id) return;
  const store = await Store.open(before.id);
  await ((await store.entries()).length > 0 ? store.forget() : store.destroy());
}

async function endSession(): Promise<void> {
  if (!localStorage.getItem(ENDING)) return;
  if (await askMe()) await send("DELETE", "/session");
  localStorage.removeItem(ENDING);
}

/** Signs out: everything of this account leaves this device, now; the session as soon as there is a network. */
export async function leave(store: Store): Promise<void> {
  await store.destroy();
  localStorage.removeItem(KNOWN);
  localStorage.setItem(ENDING, "yes");
  await endSession().catch(() => undefined);
  location.replace("/phone/");
}
