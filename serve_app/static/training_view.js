// A training's curves, metrics of each epoch and confusion matrix, updated live.

import { get } from "./api.js";
import { LineChart } from "./chart.js";
import { confusionTable } from "./confusion_table.js";
import { arrange, h, replace, setText } from "./dom.js";
import { number, t } from "./words.js";

const COLUMNS = ["train_loss", "train_acc", "val_loss", "val_acc", "macro_f1", "mAP", "top3_acc", "precision", "recall", "learning_rate", "images_per_second"];

export function trainingView(taskId) {
  const loss = new LineChart(t("task.loss"), [
    { name: t("chart.train"), className: "one", value: (row) => row.train_loss },
    { name: t("chart.validation"), className: "two", value: (row) => row.val_loss },
  ], { canBeLogarithmic: true });
  const accuracy = new LineChart(t("task.accuracy"), [
    { name: t("chart.train"), className: "one", value: (row) => row.train_acc },
    { name: t("chart.validation"), className: "two", value: (row) => row.val_acc },
  ]);
  const best = h("p", { class: "hint" });
  const empty = h("p", { class: "empty" }, t("task.noEpoch"));
  const charts = h("div", { class: "charts", hidden: true }, loss.element, accuracy.element);
  const rows = h("tbody");
  const table = h("div", { class: "wide-table", tabindex: "0", role: "region", "aria-label": t("task.table"), hidden: true }, h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("chart.epoch")), COLUMNS.map((name) => h("th", { scope: "col" }, name)))), rows));
  const matrix = h("section", { class: "panel", "aria-label": t("task.confusion"), hidden: true });
  const element = h("div", {},
    h("section", { class: "panel", "aria-label": t("task.curves") }, h("div", { class: "title" }, h("h2", {}, t("task.curves")), best), empty, charts),
    h("section", { class: "panel", "aria-label": t("task.table") }, h("h2", {}, t("task.table")), table), matrix);
  const history = new Map();
  const rowsOf = new WeakMap();
  let isDue = false;

  function onEntry(entry) {
    if (entry.stage !== "epoch_end") return;
    history.set(entry.step, entry.metrics);
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
  }

  function draw() {
    isDue = false;
    const epochs = [...history.values()].sort((one, other) => one.epoch - other.epoch);
    empty.hidden = true;
    charts.hidden = false;
    table.hidden = false;
    loss.show(epochs);
    accuracy.show(epochs);
    const top = epochs.reduce((found, row) => (row.val_acc > found.val_acc ? row : found));
    setText(best, t("task.best", { acc: number(top.val_acc), epoch: top.epoch }));
    arrange(rows, epochs.map(rowOf).reverse());
    for (const row of epochs) rowOf(row).classList.toggle("best", row === top);
    drawMatrix();
  }

  function rowOf(metrics) {
    if (!rowsOf.has(metrics)) {
      rowsOf.set(metrics, h("tr", {}, h("th", { scope: "row" }, String(metrics.epoch)),
        COLUMNS.map((name) => h("td", {}, number(metrics[name], name === "learning_rate" ? 8 : 4)))));
    }
    return rowsOf.get(metrics);
  }

  let asked = 0;
  async function drawMatrix() {
    asked += 1;
    const mine = asked;
    let report;
    try {
      report = await get(`/api/v2/tasks/${encodeURIComponent(taskId)}/artifacts/report.json`);
    } catch {
      return; // The first epoch's report does not exist yet.
    }
    if (mine !== asked || !report.best?.confusion_matrix) return;
    matrix.hidden = false;
    replace(matrix, h("h2", {}, t("task.confusion")), h("p", { class: "hint" }, t("task.confusionText")), confusionTable(report.best.per_class.map((one) => one.class_name), report.best.confusion_matrix));
  }

  return { element, onEntry };
}
