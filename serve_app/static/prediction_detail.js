// One prediction: its picture and the five likeliest classes.

import { answerText } from "./answer_text.js";
import { blobUrl } from "./api.js";
import { h, replace, setText } from "./dom.js";
import { percent, t } from "./words.js";

export function predictionDetail() {
  const element = h("div", { class: "prediction", "aria-live": "polite" });
  let loading = new AbortController();
  let url = null;

  function stop() {
    loading.abort();
    if (url) URL.revokeObjectURL(url);
    url = null;
  }

  // `path` is where the picture comes from. `title` is a text or elements.
  async function show(row, title, path, about) {
    stop();
    loading = new AbortController();
    const { signal } = loading;
    const image = h("div", { class: "picture" }, t("predictions.drawing"));
    replace(element, h("h3", {}, title), row ? h("p", { class: "answer" }, answerText(row)) : null, image, row ? bars(row.top5) : null);
    try {
      const found = await blobUrl(path, { signal });
      if (signal.aborted) {
        URL.revokeObjectURL(found);
        return;
      }
      url = found;
      replace(image, h("img", { src: url, alt: t("predictions.picture", { file: about }) }));
    } catch (error) {
      if (!signal.aborted) setText(image, t("predictions.noPicture", { reason: error.message || t("error.network") }));
    }
  }

  return { element, show, stop };
}

function bars(top5) {
  return h("ul", { class: "top5" }, top5.map((one) => h("li", {}, h("span", {}, one.class_name),
    h("span", { class: "bar" }, h("span", { style: { width: `${100 * one.probability}%` } })), h("span", { class: "amount" }, percent(100 * one.probability)))));
}
