// A thin strip of a recording's windows: the higher a bar, the more probable its class. Arrow keys move a cursor.

import { placeText, windowText } from "./answer_text.js";
import { h, replace, svg } from "./dom.js";
import { SIDE } from "./timeline.js";
import { t } from "./words.js";

const HEIGHT = 44;
// Narrower bars are drawn together, and with more windows in sight none are.
const NARROWEST = 2;
const MOST_WINDOWS = 5000;
const UNKNOWN = Symbol("unknown");
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

export class WindowStrip {
  #turn = 0;
  #view = null;
  #width = 0;

  constructor({ windows, colors, onOpen, onReach, onValues }) {
    this.windows = windows;
    this.colors = colors;
    this.onReach = onReach;
    this.onValues = onValues;
    this.cursor = 0;
    this.bars = svg("g");
    this.mark = svg("rect", { class: "mark", height: HEIGHT });
    this.ground = svg("rect", { class: "ground", x: SIDE, height: HEIGHT });
    this.picture = svg("svg", { height: HEIGHT, tabindex: "0", role: "slider", "aria-label": t("strip"), "aria-valuemin": "0",
      "aria-valuemax": String(Math.max(0, windows.count - 1)),
      onclick: (event) => {
        this.go(this.#under(event));
        onOpen(this.cursor);
      },
      onpointermove: (event) => this.#hover(this.#under(event)), onpointerleave: () => onValues(""),
      onfocus: () => this.#tell(this.cursor), onblur: () => onValues(""),
      onkeydown: (event) => this.#key(event, onOpen) }, this.ground, this.bars, this.mark);
    this.hint = h("p", { class: "hint" });
    this.element = h("div", { class: "strip" }, this.picture, this.hint);
    this.#say(placeText(0, windows));
  }

  async show(view) {
    this.#view = view;
    this.#width = Math.max(200, this.element.clientWidth);
    this.ground.setAttribute("width", this.#width - 2 * SIDE);
    this.#markCursor();
    const mine = (this.#turn += 1);
    const first = this.windows.frameAt(view.from);
    const last = this.windows.frameAt(view.to - this.windows.step_s / 2);
    this.isTooMuch = last - first >= MOST_WINDOWS;
    this.hint.textContent = this.isTooMuch ? t("strip.zoom") : t("strip.hint");
    const rows = this.isTooMuch ? [] : await this.windows.between(first, last);
    if (mine === this.#turn) replace(this.bars, this.#paths(rows));
  }

  go(frame) {
    this.cursor = Math.max(0, Math.min(this.windows.count - 1, frame));
    this.onReach(this.cursor);
    this.#markCursor();
    this.#tell(this.cursor);
  }

  #x(frame) {
    return SIDE + ((this.windows.startOf(frame) - this.#view.from) / (this.#view.to - this.#view.from)) * (this.#width - 2 * SIDE);
  }

  // One path for each class: thousands of elements would be slow.
  #paths(rows) {
    const parts = new Map();
    const add = (bar) => {
      const [name, count] = [...bar.names].reduce((best, one) => (one[1] > best[1] ? one : best), [null, 0]);
      if (!count) return;
      const height = Math.max(2, (HEIGHT - 4) * (bar.total / bar.count));
      const from = Math.max(SIDE, bar.from);
      const to = Math.min(this.#width - SIDE, bar.to);
      parts.set(name, `${parts.get(name) ?? ""}M${from.toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${(to - from).toFixed(1)}v${height.toFixed(1)}z`);
    };
    let bar = null;
    for (const row of rows) {
      const from = this.#x(row.frame);
      if (bar === null || from - bar.from >= NARROWEST) {
        if (bar) add(bar);
        bar = { from, to: from, names: new Map(), total: 0, count: 0 };
      }
      const to = this.#x(row.frame + 1);
      bar.to = to - from > 2 * NARROWEST ? to - 1 : to;
      if (row.class_name === null) continue;
      const name = row.unknown ? UNKNOWN : row.class_name;
      bar.names.set(name, (bar.names.get(name) ?? 0) + 1);
      bar.total += row.probability;
      bar.count += 1;
    }
    if (bar) add(bar);
    return [...parts].map(([name, path]) => svg("path", { class: name === UNKNOWN ? "is-unknown" : this.colors(name), d: path }));
  }

  #markCursor() {
    const from = this.#x(this.cursor);
    const isSeen = from >= SIDE - 1 && from < this.#width - SIDE;
    this.mark.setAttribute("visibility", isSeen ? "visible" : "hidden");
    this.mark.setAttribute("x", from);
    this.mark.setAttribute("width", Math.max(2, this.#x(this.cursor + 1) - from));
    this.picture.setAttribute("aria-valuenow", String(this.cursor));
  }

  #under(event) {
    const x = event.clientX - this.picture.getBoundingClientRect().left;
    const { from, to } = this.#view;
    return this.windows.frameAt(from + ((x - SIDE) / (this.#width - 2 * SIDE)) * (to - from));
  }

  // Without its prediction if the next pixel is of windows far away: their rows are not loaded for a passing pointer.
  #hover(frame) {
    if (!this.isTooMuch) this.#tell(frame);
    else this.onValues(placeText(frame, this.windows));
  }

  async #tell(frame) {
    this.told = frame;
    const [row] = await this.windows.between(frame, frame).catch(() => []);
    if (this.told !== frame) return;
    const text = windowText(frame, this.windows, row);
    if (frame === this.cursor) this.#say(text);
    if (this.picture.matches(":hover, :focus")) this.onValues(text);
  }

  #say(text) {
    this.picture.setAttribute("aria-valuetext", text);
  }

  #key(event, onOpen) {
    const step = STEPS[event.key];
    if (step === undefined && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (step === undefined) onOpen(this.cursor);
    else this.go(this.cursor + step);
  }
}
