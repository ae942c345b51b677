// Windows of a recording as small pictures, in pages. A picture is loaded when it comes into sight.

import { answerText, windowText } from "./answer_text.js";
import { blobUrl } from "./api.js";
import { h, replace, setText } from "./dom.js";
import { failed } from "./notes.js";
import { Pager } from "./pager.js";
import { number, percent, t } from "./words.js";

const PAGE = 12;
// The service draws two at once. More requests would take the browser's connections from the rest of the page.
const AT_ONCE = 2;

export class Gallery {
  #page = new AbortController();
  #waiting = [];
  #busy = 0;
  #urls = [];
  #span = [0, -1];

  constructor({ windows, onOpen }) {
    this.windows = windows;
    this.onOpen = onOpen;
    this.pages = new Pager(PAGE, () => this.#turn().catch((error) => {
      if (error.name !== "AbortError") failed(error);
    }));
    this.tiles = h("ul", { class: "tiles" });
    this.element = h("div", { class: "gallery" }, this.tiles, this.pages.element);
    this.observer = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        this.observer.unobserve(target);
        this.#waiting.push(target);
      }
      this.#next();
    });
  }

  // Shows the windows from `first` to `last`.
  show(first, last) {
    this.#span = [first, last];
    this.pages.begin();
    return this.#turn();
  }

  stop() {
    this.#page.abort();
    this.#waiting = [];
    this.observer.disconnect();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
  }

  async #turn() {
    this.stop();
    this.#page = new AbortController();
    const { signal } = this.#page;
    const [first, last] = this.#span;
    const [begin, end] = this.pages.range(last - first + 1);
    const rows = await this.windows.between(first + begin, first + end - 1);
    if (signal.aborted) return;
    replace(this.tiles, rows.map((row) => this.#tile(row)));
    if (!rows.length) replace(this.tiles, h("li", { class: "empty" }, t("recordings.unreadable")));
    for (const picture of this.tiles.querySelectorAll(".small")) this.observer.observe(picture);
  }

  #tile(row) {
    const picture = h("span", { class: "small", "data-frame": String(row.frame) });
    return h("li", {}, h("button", { type: "button", "aria-label": windowText(row.frame, this.windows, row), onclick: () => this.onOpen(row.frame) }, picture,
      h("span", { class: "hint" }, t("seconds", { n: number(row.time_s, 4) }), row.probability === null ? null : ` · ${percent(100 * row.probability)}`),
      h("span", { class: "answer" }, answerText(row))));
  }

  async #next() {
    if (this.#busy >= AT_ONCE || !this.#waiting.length) return;
    const picture = this.#waiting.shift();
    const { signal } = this.#page;
    this.#busy += 1;
    this.#next();
    try {
      const url = await blobUrl(this.windows.path(picture.dataset.frame), { signal });
      if (signal.aborted) {
        URL.revokeObjectURL(url);
      } else {
        this.#urls.push(url);
        replace(picture, h("img", { src: url, alt: "" }));
      }
    } catch (error) {
      if (!signal.aborted) setText(picture, t("predictions.noPicture", { reason: error.message || t("error.network") }));
    }
    this.#busy -= 1;
    this.#next();
  }
}
