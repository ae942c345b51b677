// The predictions of an inference: filters by class and confidence, the spectrogram and the five likeliest classes.

import { AnswerFilters } from "./answer_filters.js";
import { answerText } from "./answer_text.js";
import { get } from "./api.js";
import { h, replace, setText } from "./dom.js";
import { Pager } from "./pager.js";
import { predictionDetail } from "./prediction_detail.js";
import { number, percent, t } from "./words.js";
import { spectrogramPath } from "./window_rows.js";

const PAGE = 50;
const MOST_ROWS = 10000;
// The windows of shorter recordings are loaded with the images around them.
const WORTH_SKIPPING = 1000;

export function predictionsView(taskId, request) {
  const filters = new AnswerFilters(begin);
  const count = h("span", { class: "hint", "aria-live": "polite" });
  const rows = h("tbody");
  const pages = new Pager(PAGE, show);
  const detail = predictionDetail();
  const content = h("div", {}, h("p", { class: "empty" }, t("predictions.wait")));
  const element = h("section", { class: "panel", "aria-label": t("predictions") }, h("div", { class: "title" }, h("h2", {}, t("predictions")), count), content);
  const life = new AbortController();
  const all = [];
  const numbers = new Map();

  // `spans` are the rows of the recordings: {number, file, first_row, rows}. Those of long recordings are not loaded:
  // there may be millions, and the recording's own view shows them.
  async function load(spans = []) {
    for (const span of spans) numbers.set(span.file, span.number);
    let total = Infinity;
    let offset = 0;
    for (const { first_row, rows: length } of [...spans.filter((span) => span.rows > WORTH_SKIPPING), { first_row: Infinity, rows: 0 }]) {
      while (offset < Math.min(first_row, total)) {
        const limit = Math.min(MOST_ROWS, first_row - offset);
        const page = await get(`/api/v2/inference/${encodeURIComponent(taskId)}/results?offset=${offset}&limit=${limit}`, { signal: life.signal });
        all.push(...page.predictions);
        total = page.predictions.length ? page.total : offset;
        offset += page.predictions.length;
      }
      offset = Math.max(offset, first_row + length);
    }
    filters.setNames(new Set(all.map((row) => row.class_name).filter((name) => name !== null)));
    replace(content, filters.element,
      h("div", { class: "split" }, h("div", {}, h("table", { class: "predictions" },
        h("thead", {}, h("tr", {}, ["file", "class", "confidence"].map((name) => h("th", { scope: "col" }, t(`predictions.${name}`))))), rows), pages.element), detail.element));
    begin();
  }

  function begin() {
    pages.begin();
    show();
  }

  function show() {
    const matching = all.filter((row) => filters.matches(row));
    const shown = pages.cut(matching);
    replace(rows, shown.map((row) => h("tr", {},
      h("td", {}, h("button", { type: "button", class: "link", onclick: () => open(row) }, nameOf(row))),
      h("td", {}, answerText(row)), h("td", {}, row.probability === null ? "" : percent(100 * row.probability)))));
    if (!shown.length) replace(rows, h("tr", {}, h("td", { colspan: "3" }, t("predictions.none"))));
    setText(count, t("predictions.count", { shown: number(matching.length), all: number(all.length) }));
    if (shown.length) open(shown[0]);
  }

  function open(row) {
    detail.show(row, nameOf(row), picturePath(row), nameOf(row));
  }

  function picturePath(row) {
    if (row.frame !== null && numbers.has(row.file)) return spectrogramPath(taskId, numbers.get(row.file), row.frame);
    // If the source is one image, `file` is its name without the folder.
    const path = request.source_path.endsWith(`/${row.file}`) ? request.source_path : `${request.source_path}/${row.file}`;
    return `/api/v2/files/image?path=${encodeURIComponent(path)}`;
  }

  return { element, load, stop: () => {
    life.abort();
    detail.stop();
  } };
}

const nameOf = (row) => (row.frame === null ? row.file : `${row.file} #${row.frame}`);
