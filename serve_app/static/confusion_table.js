// A confusion matrix as a table: rows are the true classes, columns the predicted ones.

import { h } from "./dom.js";
import { percent, t } from "./words.js";

const MOST_CLASSES_WITH_NUMBERS = 45;

export function confusionTable(names, counts) {
  const hasNumbers = names.length <= MOST_CLASSES_WITH_NUMBERS;
  return h("div", { class: "wide-table", tabindex: "0", role: "group", "aria-label": t("task.confusion") }, h("table", { class: "confusion" },
    h("thead", {}, h("tr", {}, h("td"), names.map((name) => h("th", { scope: "col" }, h("span", {}, name))))),
    h("tbody", {}, counts.map((row, index) => {
      const sum = row.reduce((all, count) => all + count, 0);
      return h("tr", {}, h("th", { scope: "row" }, names[index]), row.map((count, column) => {
        const share = sum ? count / sum : 0;
        return h("td", { class: share > 0.5 ? "strong" : null, title: `${names[index]} → ${names[column]}: ${count} (${percent(100 * share)})`,
          style: { "--share": String(share) } }, hasNumbers ? String(count) : "");
      }));
    }))));
}
