// The predictions of an inference: filters by class and confidence, the spectrogram and the five likeliest classes.

import { blobUrl, get } from "./api.js";
import { h, replace, setText } from "./dom.js";
import { fillSelect } from "./form.js";
import { Pager } from "./pager.js";
import { number, percent, t } from "./words.js";

const PAGE = 50;
const MOST_ROWS = 10000;

export function predictionsView(taskId, request) {
  const className = h("select", { "aria-label": t("predictions.class"), onchange: begin });
  const below = h("input", { type: "range", min: "0", max: "100", value: "100", "aria-label": t("predictions.below"), oninput: begin });
  const belowText = h("output", { class: "hint" });
  const count = h("span", { class: "hint", "aria-live": "polite" });
  const rows = h("tbody");
  const pages = new Pager(PAGE, show);
  const detail = h("div", { class: "prediction", "aria-live": "polite" });
  const content = h("div", {}, h("p", { class: "empty" }, t("predictions.wait")));
  const element = h("section", { class: "panel", "aria-label": t("predictions") }, h("div", { class: "title" }, h("h2", {}, t("predictions")), count), content);
  let all = [];
  let picture = null;
  let isLoaded = false;

  async function load() {
    if (isLoaded) return;
    isLoaded = true;
    const path = `/api/v2/inference/${encodeURIComponent(taskId)}/results`;
    let page;
    do {
      page = await get(`${path}?offset=${all.length}&limit=${MOST_ROWS}`);
      all.push(...page.predictions);
    } while (all.length < page.total && page.predictions.length);
    const names = [...new Set(all.map((row) => row.class_name))].sort();
    fillSelect(className, [["", t("predictions.allClasses")], ...names.map((name) => [name, name])], "");
    replace(content, h("div", { class: "filters" }, className, h("label", {}, t("predictions.below"), " ", below), belowText),
      h("div", { class: "split" }, h("div", {}, h("table", { class: "predictions" },
        h("thead", {}, h("tr", {}, ["file", "class", "confidence"].map((name) => h("th", { scope: "col" }, t(`predictions.${name}`))))), rows), pages.element), detail));
    begin();
  }

  function begin() {
    pages.begin();
    show();
  }

  function show() {
    const most = Number(below.value) / 100;
    setText(belowText, `${below.value} %`);
    const matching = all.filter((row) => (!className.value || row.class_name === className.value) && (most >= 1 || row.probability < most));
    const shown = pages.cut(matching);
    replace(rows, shown.map((row) => h("tr", {},
      h("td", {}, h("button", { type: "button", class: "link", onclick: () => open(row) }, row.frame === null ? row.file : `${row.file} #${row.frame}`)),
      h("td", {}, row.class_name), h("td", {}, percent(100 * row.probability)))));
    if (!shown.length) replace(rows, h("tr", {}, h("td", { colspan: "3" }, t("predictions.none"))));
    setText(count, t("predictions.count", { shown: number(matching.length), all: number(all.length) }));
    if (shown.length) open(shown[0]);
  }

  async function open(row) {
    const bars = h("ul", { class: "top5" }, row.top5.map((one) => h("li", {}, h("span", {}, one.class_name),
      h("span", { class: "bar" }, h("span", { style: { width: `${100 * one.probability}%` } })), h("span", { class: "amount" }, percent(100 * one.probability)))));
    const image = h("div", { class: "picture" });
    replace(detail, h("h3", {}, row.file), image, bars);
    if (picture) URL.revokeObjectURL(picture);
    picture = null;
    try {
      // If the source is one image, `file` is its name without the folder.
      const path = request.source_path.endsWith(`/${row.file}`) ? request.source_path : `${request.source_path}/${row.file}`;
      const url = await blobUrl(`/api/v2/files/image?path=${encodeURIComponent(path)}`);
      picture = url;
      replace(image, h("img", { src: url, alt: t("predictions.picture", { file: row.file }) }));
    } catch (error) {
      setText(image, t("predictions.noPicture", { reason: error.message }));
    }
  }

  return { element, load };
}
