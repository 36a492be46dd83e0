/** Tasks and duty as they will be once everything that waits is sent. */
import type { Task, Worker } from "./contract";
import type { Entry } from "./store";

export interface Shown extends Task {
  /** Things done for it that wait to be sent, and things that were refused. */
  waiting: number;
  refused: number;
  /** Done here; the server does not know yet. */
  finished: boolean;
}

export function tasksAsDone(tasks: readonly Task[], entries: readonly Entry[]): Shown[] {
  return tasks.map((task) => {
    const own = entries.filter((entry) => entry.task === task.id);
    const waiting = own.filter(({ state }) => state === "waiting");
    const shown: Shown = {
      ...task, waiting: waiting.length, refused: own.length - waiting.length, finished: false,
    }; // prettier-ignore
    for (const { deed, at } of waiting) {
      if (deed?.do === "accept") shown.state = "accepted";
      if (deed?.do === "refuse" || deed?.do === "result") shown.finished = true;
      if (deed?.do === "check_in" && deed.on_scene) shown.on_scene_at ??= at;
    }
    return shown;
  });
}

export function dutyAsDone(worker: Worker | null, entries: readonly Entry[]): boolean {
  let on = worker?.on_duty ?? false;
  for (const { deed, state } of entries) if (deed?.do === "duty" && state === "waiting") on = deed.on;
  return on;
}

const RANK: Record<string, number> = { high: 0, normal: 1, low: 2 };

/** What wants an answer first, then the soonest due, then the gravest. */
export function byUrgency(a: Shown, b: Shown): number {
  const answer = Number(b.state === "offered") - Number(a.state === "offered");
  const due = (one: Shown): number => (one.due_at ? Date.parse(one.due_at) : Number.POSITIVE_INFINITY);
  if (answer !== 0) return answer;
  if (due(a) !== due(b)) return due(a) < due(b) ? -1 : 1;
  return (RANK[a.severity] ?? 1) - (RANK[b.severity] ?? 1);
}
