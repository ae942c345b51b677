// The recordings of an inference: a table of their verdicts, and the view of one of them.

import { AnswerFilters } from "./answer_filters.js";
import { verdictText } from "./answer_text.js";
import { get } from "./api.js";
import { classColors } from "./class_colors.js";
import { h, replace, setText } from "./dom.js";
import { failed } from "./notes.js";
import { Pager } from "./pager.js";
import { recordingView } from "./recording_view.js";
import { number, percent, t } from "./words.js";

const PAGE = 10;
const PAGE_OF_API = 500;
const COLUMNS = ["file", "length", "verdict", "probability", "share", "segments"];

export function recordingsView(taskId, result) {
  const path = `/api/v2/inference/${encodeURIComponent(taskId)}/recordings`;
  const filters = new AnswerFilters(begin);
  filters.setNames(Object.keys(result.recordings.verdicts));
  const count = h("span", { class: "hint", "aria-live": "polite" });
  const rows = h("tbody");
  const pages = new Pager(PAGE, show);
  const table = h("section", { class: "panel", "aria-label": t("recordings") },
    h("div", { class: "title" }, h("h2", {}, t("recordings")), count), filters.element,
    h("table", { class: "recordings" }, h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, t(`recordings.${name}`))))), rows), pages.element);
  const place = h("div");
  const colors = classColors(Object.keys(result.classes));
  const life = new AbortController();
  const all = [];
  let opened = null;
  let view = null;

  // Returns the rows of each recording in the predictions: {number, file, first_row, rows}.
  async function load() {
    let page;
    do {
      page = await get(`${path}?offset=${all.length}&limit=${PAGE_OF_API}`, { signal: life.signal });
      // Without the segments, because a folder may have thousands of recordings with hundreds of segments each.
      for (const { segments, ...row } of page.recordings) all.push({ ...row, number: all.length, segment_count: segments.length });
      show();
      if (opened === null && all.length) open(all[0], false);
    } while (all.length < page.total && page.recordings.length);
    return all;
  }

  function begin() {
    pages.begin();
    show();
  }

  function show() {
    const matching = all.filter((row) => filters.matches(row.verdict));
    const shown = pages.cut(matching);
    replace(rows, shown.map(line));
    if (!shown.length) replace(rows, h("tr", {}, h("td", { colspan: String(COLUMNS.length) }, t("predictions.none"))));
    setText(count, t("predictions.count", { shown: number(matching.length), all: number(all.length) }));
  }

  function line(row) {
    const { verdict } = row;
    const cells = [
      h("button", { type: "button", class: "link", value: String(row.number), "aria-current": String(row.number === opened), onclick: () => open(row, true) }, row.file),
      t("seconds", { n: number(row.duration_s, 3) }), h("span", {}, verdictText(row)),
      verdict ? percent(100 * verdict.probability) : "–", verdict ? percent(100 * verdict.share) : "–", number(row.segment_count)];
    return h("tr", {}, cells.map((cell, index) => h("td", { "data-label": t(`recordings.${COLUMNS[index]}`) }, h("span", {}, cell))));
  }

  async function open(row, isAsked) {
    opened = row.number;
    for (const button of rows.querySelectorAll("button")) button.setAttribute("aria-current", String(button.value === String(opened)));
    try {
      const { recordings: [recording] } = await get(`${path}?offset=${row.number}&limit=1`, { signal: life.signal });
      if (opened !== row.number) return;
      view?.stop();
      view = recordingView(taskId, row.number, recording, colors);
      replace(place, view.element);
      if (isAsked) view.focus();
    } catch (error) {
      if (!life.signal.aborted) failed(error);
    }
  }

  return { element: h("div", { class: "views" }, table, place), load, stop: () => {
    life.abort();
    view?.stop();
  } };
}
