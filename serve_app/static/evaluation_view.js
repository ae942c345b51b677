// How good a model is: its numbers with their intervals, the SNR curve, the classes, calibration and unknown signals.

import { address } from "./api.js";
import { LineChart } from "./chart.js";
import { confusionTable } from "./confusion_table.js";
import { h, replace } from "./dom.js";
import { number, t } from "./words.js";
import { verdictOf } from "./verdict.js";

const HEADLINE = ["accuracy", "balanced_accuracy", "macro_f1", "mAP", "top3", "top5", "nll", "ece"];
const PER_CLASS = ["precision", "recall", "f1", "support"];
const CALIBRATION = ["temperature", "ece", "ece_adaptive", "nll", "n_fit", "n_test", "fitted_on"];
const OPEN_SET = ["score", "threshold", "auroc", "fpr95", "oscr", "unknown_rate", "known_false_alarm", "n_unknown", "source"];

export function evaluationView(taskId) {
  const element = h("div", { class: "views" });

  async function load(result) {
    if (!result?.intervals) return;
    const artifact = (name) => address(`/api/v2/tasks/${encodeURIComponent(taskId)}/artifacts/${name}`);
    replace(element, headline(result, artifact("report.html")),
      result.by_snr?.length ? snr(result.by_snr) : null,
      panel("evaluation.classes", classes(result.per_class)),
      result.confusion_matrix ? panel("task.confusion", h("p", { class: "hint" }, t("evaluation.confusionText")),
        confusionTable(result.class_names, result.confusion_matrix)) : null,
      h("div", { class: "columns" },
        result.calibration ? panel("evaluation.calibration", facts(CALIBRATION, calibrated(result.calibration)),
          h("img", { class: "plot", src: artifact("reliability.png"), alt: t("evaluation.reliability"), loading: "lazy" })) : null,
        result.open_set ? panel("evaluation.openSet", facts(OPEN_SET, result.open_set)) : null));
  }

  return { element, load, shown: ["intervals", "per_class", "confusion_matrix", "class_names", "by_snr", "calibration", "open_set", "leakage", ...HEADLINE] };
}

const panel = (key, ...content) => h("section", { class: "panel", "aria-label": t(key) }, h("h2", {}, t(key)), content);

function headline(result, report) {
  const rows = HEADLINE.map((name) => {
    const interval = result.intervals[name];
    return h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, number(result[name], 4)),
      h("td", {}, interval ? `${number(interval[0], 4)} – ${number(interval[1], 4)}` : "–"));
  });
  return h("section", { class: "panel", "aria-label": t("evaluation") },
    h("div", { class: "title" }, h("h2", {}, t("evaluation")), h("span", { class: "hint" }, t("evaluation.counts", { n: number(result.n), recordings: number(result.recordings) })),
      h("a", { href: report, target: "_blank", rel: "noopener" }, t("evaluation.report"))),
    result.leakage ? verdictOf(result.leakage) : null,
    h("table", { class: "figures" }, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, t("evaluation.value")), h("th", { scope: "col" }, t("evaluation.interval")))),
      h("tbody", {}, rows)));
}

function snr(points) {
  const chart = new LineChart(t("evaluation.accuracy"), [
    { name: t("evaluation.accuracy"), className: "one", value: (row) => row.accuracy, range: (row) => [row.low, row.high] },
    { name: "macro F1", className: "two", value: (row) => row.macro_f1 },
  ], { x: { name: t("evaluation.snr"), value: (row) => row.snr_db } });
  const found = panel("evaluation.snrCurve", chart.element);
  chart.show(points);
  return found;
}

function classes(rows) {
  return h("div", { class: "wide-table", tabindex: "0", role: "group", "aria-label": t("evaluation.classes") }, h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, h("td"), PER_CLASS.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.class_name), PER_CLASS.map((name) => h("td", {}, number(row[name], 4))))))));
}

// Before and after stand in one line.
function calibrated(found) {
  const both = (name) => `${number(found[`${name}_before`], 4)} → ${number(found[`${name}_after`], 4)}`;
  return { ...found, ece: both("ece"), ece_adaptive: both("ece_adaptive"), nll: both("nll") };
}

function facts(names, values) {
  return h("dl", { class: "facts" }, names.filter((name) => values[name] !== undefined && values[name] !== null).map((name) =>
    h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, typeof values[name] === "number" ? number(values[name], 4) : String(values[name])))));
}
