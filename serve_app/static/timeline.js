// The segments of a recording as blocks over an axis in seconds. Arrow keys go from block to block, Enter chooses one.

import { ticks } from "./chart.js";
import { h, replace, svg } from "./dom.js";
import { number, percent, t } from "./words.js";

export const SIDE = 10;
const BLOCKS = 40;
const HEIGHT = 62;
const EDGE = 3;
// Narrower blocks are drawn together.
const NARROWEST = 3;
const LETTER = 8.4;

export class Timeline {
  #blocks = [];
  #chosen = null;
  #current = 0;
  #view = null;

  constructor({ segments, colors, onSelect, onZoom, onValues }) {
    this.segments = segments;
    this.colors = colors;
    this.onSelect = onSelect;
    this.onZoom = onZoom;
    this.onValues = onValues;
    this.picture = svg("svg", { height: HEIGHT, role: "group", "aria-label": t("timeline"), onkeydown: (event) => this.#key(event), onpointerleave: () => onValues("") });
    this.element = h("div", { class: "timeline" }, this.picture);
  }

  // `view` has the times `from` and `to`, in seconds.
  show(view) {
    this.#view = view;
    const width = Math.max(200, this.element.clientWidth);
    const x = (time_s) => SIDE + ((time_s - view.from) / (view.to - view.from)) * (width - 2 * SIDE);
    const hadFocus = this.picture.contains(document.activeElement);
    this.#blocks = together(this.segments, view, x);
    this.#current = Math.max(0, Math.min(this.#current, this.#blocks.length - 1));
    replace(this.picture, svg("rect", { class: "ground", x: SIDE, width: width - 2 * SIDE, height: BLOCKS }),
      this.#axis(view, x, width), this.#blocks.map((block, place) => this.#draw(block, place)));
    this.#markAll();
    if (hadFocus) this.#focus(this.#current);
  }

  // Shows which segment is chosen; null: none.
  mark(index) {
    this.#chosen = index;
    this.#markAll();
  }

  textOf(index) {
    const { start_s, end_s, class_name, probability } = this.segments[index];
    return t("timeline.segment", { name: class_name, from: number(start_s, 3), to: number(end_s, 3), probability: percent(100 * probability) });
  }

  #textOf(block) {
    if (block.count === 1) return this.textOf(block.index);
    return t("timeline.several", { n: number(block.count), name: mostly(block), from: number(block.from_s, 3), to: number(block.to_s, 3) });
  }

  #draw(block, place) {
    const name = mostly(block);
    const text = this.#textOf(block);
    const width = block.to - block.from;
    const letters = Math.floor((width - 8) / LETTER);
    const label = name.length <= letters ? name : letters >= 4 ? `${name.slice(0, letters - 1)}…` : "";
    const tell = () => this.onValues(text);
    return svg("g", { class: `block ${this.colors(name)}`, role: "button", tabindex: "-1", "aria-label": text,
      onclick: () => this.#choose(place), onpointerenter: tell, onfocus: () => {
        this.#current = place;
        this.#markAll();
        tell();
      }, onblur: () => this.onValues("") },
    svg("title", {}, text), svg("rect", { x: block.from, y: EDGE, width, height: BLOCKS - 2 * EDGE }),
    label && block.count === 1 ? svg("text", { x: block.from + width / 2, y: BLOCKS / 2 + 4, "text-anchor": "middle" }, label) : null);
  }

  #axis(view, x, width) {
    const most = Math.max(2, Math.floor(width / 80));
    const all = ticks(view.from, view.to, false);
    const shown = all.filter((_, index) => index % Math.ceil(all.length / most) === 0);
    return svg("g", { class: "axis", "aria-hidden": "true" }, shown.map((time_s) => {
      const place = Math.min(width - SIDE - 12, Math.max(SIDE + 12, x(time_s)));
      return [svg("line", { x1: x(time_s), x2: x(time_s), y1: BLOCKS, y2: BLOCKS + 5 }),
        svg("text", { x: place, y: HEIGHT - 3, "text-anchor": "middle" }, t("seconds", { n: number(time_s, 4) }))];
    }).flat());
  }

  #markAll() {
    const drawn = this.picture.querySelectorAll(".block");
    drawn.forEach((one, place) => {
      const block = this.#blocks[place];
      one.setAttribute("tabindex", place === this.#current ? "0" : "-1");
      one.setAttribute("aria-pressed", String(block.count === 1 && block.index === this.#chosen));
    });
  }

  #choose(place) {
    const block = this.#blocks[place];
    this.#current = place;
    if (block.count === 1) this.onSelect(block.index);
    else this.onZoom(block.from_s, block.to_s);
  }

  #key(event) {
    const last = this.#blocks.length - 1;
    const place = { ArrowLeft: this.#current - 1, ArrowRight: this.#current + 1, Home: 0, End: last }[event.key];
    if (place === undefined && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (place === undefined) this.#choose(this.#current);
    else this.#focus(Math.max(0, Math.min(last, place)));
  }

  #focus(place) {
    this.picture.querySelectorAll(".block")[place]?.focus();
  }
}

// The blocks in sight. Segments that begin on the pixels of the block before are drawn with it.
function together(segments, view, x) {
  const found = [];
  segments.forEach(({ start_s, end_s, class_name }, index) => {
    if (end_s <= view.from || start_s >= view.to) return;
    const from = x(Math.max(start_s, view.from));
    const to = x(Math.min(end_s, view.to));
    const last = found.at(-1);
    if (last && (to - from < NARROWEST || last.to - last.from < NARROWEST) && from - last.from < 2 * NARROWEST) {
      last.count += 1;
      last.to = Math.max(last.to, to);
      last.to_s = end_s;
      last.seconds.set(class_name, (last.seconds.get(class_name) ?? 0) + end_s - start_s);
    } else {
      found.push({ index, count: 1, from, to: Math.max(to, from + 1), from_s: start_s, to_s: end_s, seconds: new Map([[class_name, end_s - start_s]]) });
    }
  });
  return found;
}

// The class with the most time in a block.
function mostly(block) {
  return [...block.seconds].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}
