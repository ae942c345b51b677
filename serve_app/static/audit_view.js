// What an audit says about a data set: the verdict, the findings, and examples of them.

import { h, replace } from "./dom.js";
import { verdictOf } from "./verdict.js";
import { number, t } from "./words.js";

const ELSEWHERE = new Set(["verdict", "sentences", "examples"]);

export function auditView() {
  const element = h("div", { class: "views" });

  async function load(result) {
    if (!result?.stats) return;
    const { stats } = result;
    const examples = Object.entries(stats.examples ?? {}).filter(([, rows]) => rows.length);
    replace(element,
      h("section", { class: "panel", "aria-label": t("audit") }, h("h2", {}, t("audit")), verdictOf(stats),
        h("dl", { class: "facts" }, Object.entries(stats).filter(([name]) => !ELSEWHERE.has(name)).map(([name, value]) =>
          h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, said(value)))))),
      examples.length ? h("section", { class: "panel", "aria-label": t("audit.examples") }, h("h2", {}, t("audit.examples")), examples.map(([name, rows]) =>
        h("details", {}, h("summary", {}, `${name} (${number(rows.length)})`), h("ul", { class: "files" }, rows.map((names) => h("li", {}, names.join(" ↔ "))))))) : null);
  }

  return { element, load, shown: ["stats"] };
}

function said(value) {
  if (value === null) return "–";
  if (typeof value === "number") return number(value, 4);
  if (Array.isArray(value)) return value.join(", ") || "–";
  if (typeof value === "object") return Object.entries(value).map(([name, count]) => `${name} ${number(count)}`).join(", ") || "–";
  return String(value);
}
