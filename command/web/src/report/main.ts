/** The public page: report, follow a report by its link, see open cases near by; without an account. */
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/session.css";
import "../styles/marks.css";
import "../styles/report.css";
import { attribute, h } from "../dom";
import { addTexts, entitle, localLabel, localText } from "../i18n";
import { reportEn } from "../i18n/report.en";
import { reportZh } from "../i18n/report.zh";
import { choices } from "../session/choices";
import { followTheme } from "../theme";
import { FollowPage } from "./follow";
import { ReportForm } from "./form";
import { NearbyPage } from "./nearby";

const SECRET = /^#follow=([A-Za-z0-9_-]{43})$/;

addTexts({ en: reportEn, zh: reportZh });
followTheme();
entitle("report.title");

const main = h("main", { class: "report-main" });
const nav = localLabel(h("nav", { class: "report-tabs" }), "report.pages");
const tab = (path: string, key: "report.report" | "report.nearby") => {
  const link = localText(h("a", { class: "report-tab", href: path }), key);
  nav.append(link);
  return link;
};
const tabs = { report: tab("#report", "report.report"), nearby: tab("#nearby", "report.nearby") };
const head = h("header", { class: "report-head" }, localText(h("h1"), "report.title"), choices());
(document.querySelector("#app") ?? document.body).append(h("div", { class: "report" }, head, nav, main));

/** Kept while one looks at another tab, so that nothing typed is lost. */
const form = new ReportForm();

function show(): void {
  const follow = SECRET.exec(location.hash)?.[1];
  const isNearby = location.hash === "#nearby";
  attribute(tabs.report, "aria-current", !follow && !isNearby ? "page" : null);
  attribute(tabs.nearby, "aria-current", isNearby ? "page" : null);
  main.replaceChildren(follow ? new FollowPage(follow).element : isNearby ? new NearbyPage().element : form.element);
}

window.addEventListener("hashchange", show);
show();
