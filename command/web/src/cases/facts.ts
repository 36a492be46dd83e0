/** What is known of a case, as names and values. */
import { dateTime, number, t, term } from "../i18n";
import type { CaseBook } from "./book";
import type { CaseDetail } from "./contract";

export interface Fact {
  name: string;
  value: string;
}

export function factsOf({ case: one, reports }: CaseDetail, book: CaseBook): Fact[] {
  const [lon, lat] = one.position;
  const place = one.address || `${number(lat, 5)}, ${number(lon, 5)}`;
  const where = [place, one.districts.join(", "), one.cell && t("cases.cell", { code: one.cell })];
  const said = [one.text, ...reports.map(({ text }) => text)].filter(Boolean);
  const class_ = book.classes.get(one.class);
  const rows: [string, string | null | undefined | false][] = [
    [t("cases.said"), [...new Set(said)].join(" / ")],
    [t("cases.place"), where.filter(Boolean).join(" · ")],
    [t("cases.class"), `${book.className(one.class)} (${one.class}) · ${t(`severity.${one.severity}`)}`],
    [t("cases.component"), one.component],
    [t("cases.reported"), [dateTime(one.created_at), term("source", one.source), t("cases.reports", { n: one.reports })].join(" · ")],
    [t("cases.checked"), one.checked === null ? null : t(one.checked ? "task.check.yes" : "task.check.no")],
    [t("cases.filing"), one.stage === "collect" && class_?.filing],
    [t("cases.department"), one.department && term("department", one.department)],
    [t("cases.handler"), one.handler],
    [t("cases.verified_by"), one.verified_by],
    [t("cases.acceptor"), one.acceptor],
    [t("cases.closing"), class_?.closing],
    [t("cases.round"), one.round > 1 && number(one.round)],
    [t("cases.returns"), one.returns > 0 && number(one.returns)],
    [t("cases.closed"), one.closed_at && dateTime(one.closed_at)],
    [t("cases.rating"), one.rating !== null && t("cases.stars", { n: one.rating })],
  ];
  return rows.filter((row): row is [string, string] => Boolean(row[1])).map(([name, value]) => ({ name, value }));
}
