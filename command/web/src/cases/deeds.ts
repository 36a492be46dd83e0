/** What can be done with a case, and which short form each deed needs. */
import { t, term, type Key } from "../i18n";
import { may } from "../session/session";
import type { CaseBook } from "./book";
import { calls } from "./calls";
import type { CaseDetail, TaskKind } from "./contract";
import { choose, info, line, pick, words, type Answer, type Option } from "./fields";
import { unitOptions, why } from "./units";

export interface Deed {
  /** Its route, as the API offers it. */
  route: string;
  label: Key;
  /** The way on; the others are beside it. */
  isMain?: boolean;
  fields: (detail: CaseDetail, book: CaseBook) => Answer[] | Promise<Answer[]>;
}

const reason = (): Answer => words("reason", "deed.reason", true);
const note = (): Answer => words("text", "deed.note", false);
const HOUR_S = 3_600;

/** Who is sent: the nearest, or one by name; with the ranked units for those who may see where people are. */
async function worker(detail: CaseDetail, kind: TaskKind): Promise<Answer> {
  if (!may("see_workers")) return line("worker", "deed.worker", false, [], t("deed.worker_hint"));
  return pick("worker", "deed.worker", await unitOptions(detail.case.id, kind));
}

const conditions = (detail: CaseDetail, book: CaseBook, which: "filing" | "closing"): string => {
  const said = book.classes.get(detail.case.class)?.[which];
  return said ? t(`deed.${which}_condition`, { text: said }) : "";
};

function duplicates({ duplicates: found }: CaseDetail): Answer[] {
  if (found.length === 0) return [line("into", "deed.into", true, [], t("deed.into_hint"))];
  const options: Option[] = found.map(({ case: value, number, stage, distance_m }) => ({
    label: number, value, more: t("deed.duplicate", { m: Math.round(distance_m), stage: term("stage", stage) }),
  })); // prettier-ignore
  return [pick("into", "deed.into", options)];
}

const extra = (): Answer =>
  pick("extra_s", "deed.extra", [4, 8, 24, 72, 168].map((hours) => ({
    label: hours < 72 ? t("age.h", { n: hours }) : t("age.d", { n: hours / 24 }), value: hours * HOUR_S,
  }))); // prettier-ignore

const verdict = (): Answer =>
  pick("granted", "deed.verdict", [
    { label: t("deed.grant"), value: true, more: t("deed.grant_more") },
    { label: t("deed.refuse"), value: false },
  ]);

const score = (): Answer => pick("score", "deed.score", [5, 4, 3, 2, 1].map((value) => ({ label: `${value}`, value })));

/** As a page shows them; which of them are offered the API says. */
export const DEEDS: readonly Deed[] = [
  { route: "filing", label: "deed.filing", isMain: true, fields: (detail, book) => [words("text", "deed.note", false, conditions(detail, book, "filing"))] },
  { route: "check", label: "deed.check", fields: async (detail) => [await worker(detail, "check")] },
  { route: "dispatch", label: "deed.dispatch", isMain: true, fields: dispatching },
  { route: "acceptance", label: "deed.acceptance", isMain: true, fields: () => [note()] },
  { route: "handler", label: "deed.handler", isMain: true, fields: async (detail) => [await worker(detail, "handle")] },
  { route: "verification", label: "deed.verification", isMain: true, fields: async (detail) => [await worker(detail, "verify")] },
  { route: "closure", label: "deed.closure", isMain: true, fields: (detail, book) => [words("standard", "deed.standard", true, conditions(detail, book, "closing"))] },
  { route: "appeal/decision", label: "deed.decision", isMain: true, fields: () => [verdict(), reason()] },
  { route: "rating", label: "deed.rating", isMain: true, fields: () => [score(), note()] },
  { route: "return", label: "deed.return", fields: () => [reason()] },
  { route: "resumption", label: "deed.resumption", fields: () => [] },
  { route: "suspension", label: "deed.suspension", fields: () => [words("reason", "deed.reason", true, t("deed.suspension_hint"))] },
  { route: "extension", label: "deed.extension", fields: () => [extra(), reason()] },
  { route: "appeal", label: "deed.appeal", fields: () => [words("reason", "deed.reason", true, t("deed.appeal_hint"))] },
  { route: "merge", label: "deed.merge", fields: duplicates },
  { route: "dismissal", label: "deed.dismissal", fields: () => [reason()] },
  { route: "acceptor", label: "deed.acceptor", fields: () => [line("acceptor", "deed.acceptor_name", true)] },
  { route: "reopening", label: "deed.reopening", fields: () => [reason()] },
  { route: "comments", label: "deed.comment", fields: () => [words("text", "deed.comment_text", true)] },
];

async function dispatching(detail: CaseDetail, book: CaseBook): Promise<Answer[]> {
  const usual = book.classes.get(detail.case.class)?.owner ?? "";
  const others = book.departments().filter((name) => name !== usual);
  const name = (value: string) => ({ label: term("department", value), value });
  const routed: Option = { label: t("deed.as_routed"), value: undefined, more: usual && term("department", usual) };
  const department = choose("department", "deed.department", [routed, ...others.map(name)]);
  const units = may("see_workers") ? await calls.units(detail.case.id, "handle") : [];
  const ranked = units.map((unit) => ({ label: unit.worker, more: why(unit), isOff: !unit.suitable }));
  return [department, ...(ranked.length > 0 ? [info("deed.units", ranked)] : []), note()];
}

/** Does it; answers when the API did. */
export async function perform(detail: CaseDetail, deed: Deed, answers: readonly Answer[]): Promise<void> {
  const given = answers.filter(({ name }) => name !== "").map(({ name, value }) => [name, value()] as const);
  const body: Record<string, unknown> = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  if (deed.route === "merge" && typeof body["into"] === "string") body["into"] = await caseOf(body["into"]);
  await calls.deed(detail.case.id, deed.route, deed.route === "resumption" ? undefined : body);
}

/** The id of the case with this number; an id is one already. */
async function caseOf(name: string): Promise<string> {
  if (!/^\d+$/.test(name)) return name;
  const { items } = await calls.page({ number: name, limit: 1 });
  if (!items[0]) throw new Error(t("cases.no_number", { number: name }));
  return items[0].id;
}
