// A line chart with a cursor: hover, touch or arrow keys show the values of one row. The scale may be logarithmic.

import { h, replace, svg } from "./dom.js";
import { number, t } from "./words.js";

const FIRST_WIDTH = 640;
const HEIGHT = 260;
const LEFT = 52;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 30;
const MOST_TICKS = 6;
const MOST_DOTS = 60;

// `series` is a list of {name, className, value(row), range(row)}; a range [low, high] is a bar. `x` is what stands below.
export class LineChart {
  constructor(title, series, { canBeLogarithmic = false, x = { name: t("chart.epoch"), value: (row) => row.epoch } } = {}) {
    this.title = title;
    this.series = series;
    this.across = x;
    this.rows = [];
    this.isLogarithmic = false;
    this.cursor = null;
    this.width = FIRST_WIDTH;
    this.picture = svg("svg", { height: HEIGHT, tabindex: "0", role: "img", "aria-label": title,
      onpointermove: (event) => this.#point(event), onpointerdown: (event) => this.#point(event),
      onpointerleave: () => this.#move(null), onkeydown: (event) => this.#key(event) });
    this.values = h("p", { class: "values", "aria-live": "polite" });
    const log = h("label", {}, h("input", { type: "checkbox", onchange: (event) => {
      this.isLogarithmic = event.target.checked;
      this.#draw();
    } }), ` ${t("task.logScale")}`);
    const legend = h("ul", { class: "legend" }, series.map((one) => h("li", { class: one.className }, one.name)));
    this.element = h("figure", { class: "chart" },
      h("figcaption", {}, h("b", {}, title), legend, canBeLogarithmic ? log : null), this.picture, this.values);
    // Redraw at the real size: in a scaled drawing the text is too small to read on a phone.
    new ResizeObserver(([entry]) => {
      this.width = Math.max(240, Math.round(entry.contentRect.width));
      this.#draw();
    }).observe(this.element);
  }

  show(rows) {
    this.rows = rows;
    this.#draw();
  }

  #draw() {
    const points = this.series.map((one) => this.rows.map((row) => [this.across.value(row), one.value(row), one.range?.(row)]).filter(([, y]) => this.#canShow(y)));
    const all = points.flat();
    if (!all.length) {
      replace(this.picture);
      return;
    }
    const last = Math.max(...this.rows.map(this.across.value));
    const first = Math.min(...this.rows.map(this.across.value));
    const [low, high] = this.#range(all.flatMap(([, y, range]) => [y, ...(range ?? [])]));
    const scale = this.isLogarithmic ? Math.log10 : (y) => y;
    this.x = (value) => LEFT + ((value - first) / Math.max(1, last - first)) * (this.width - LEFT - RIGHT);
    this.y = (y) => HEIGHT - BOTTOM - ((scale(y) - scale(low)) / (scale(high) - scale(low))) * (HEIGHT - TOP - BOTTOM);
    this.mark = svg("g", { class: "cursor" });
    replace(this.picture, this.#grid(low, high, first, last),
      points.map((line, index) => this.#line(line, this.series[index].className)), this.mark);
    this.#move(this.cursor);
  }

  #canShow(y) {
    return Number.isFinite(y) && (!this.isLogarithmic || y > 0);
  }

  #range(values) {
    const low = Math.min(...values);
    const high = Math.max(...values);
    if (this.isLogarithmic) return high > low ? [low, high] : [low / 2, high * 2];
    const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
    return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
  }

  #grid(low, high, first, last) {
    const lines = ticks(low, high, this.isLogarithmic).map((value) => svg("g", {},
      svg("line", { x1: LEFT, x2: this.width - RIGHT, y1: this.y(value), y2: this.y(value) }),
      svg("text", { x: LEFT - 6, y: this.y(value) + 4, "text-anchor": "end" }, number(value, 4))));
    const below = ticks(first, last, false).filter(Number.isInteger).map((value) =>
      svg("text", { x: this.x(value), y: HEIGHT - 10, "text-anchor": "middle" }, String(value)));
    return svg("g", { class: "grid" }, lines, below);
  }

  #line(points, className) {
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join("");
    const dots = points.length > MOST_DOTS ? [] : points.map(([x, y]) => svg("circle", { cx: this.x(x), cy: this.y(y), r: 2.5 }));
    const bars = points.filter(([, , range]) => range).map(([x, , [low, high]]) =>
      svg("line", { class: "interval", x1: this.x(x), x2: this.x(x), y1: this.y(low), y2: this.y(high) }));
    return svg("g", { class: `line ${className}` }, bars, svg("path", { d: path }), dots);
  }

  #point(event) {
    if (!this.rows.length) return;
    const box = this.picture.getBoundingClientRect();
    const x = event.clientX - box.left;
    const away = (row) => Math.abs(this.x(this.across.value(row)) - x);
    this.#move(this.across.value(this.rows.reduce((best, row) => (away(row) < away(best) ? row : best))));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.rows.length) return;
    event.preventDefault();
    const index = this.rows.findIndex((row) => this.across.value(row) === this.cursor);
    const next = index < 0 ? this.rows.length - 1 : Math.min(this.rows.length - 1, Math.max(0, index + step));
    this.#move(this.across.value(this.rows[next]));
  }

  #move(value) {
    this.cursor = value;
    const row = this.rows.find((one) => this.across.value(one) === value);
    if (!this.mark) return;
    if (!row) {
      replace(this.mark);
      this.values.textContent = "";
      return;
    }
    const x = this.x(value);
    replace(this.mark, svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }),
      this.series.filter((one) => this.#canShow(one.value(row))).map((one) =>
        svg("circle", { class: one.className, cx: x, cy: this.y(one.value(row)), r: 4 })));
    this.values.textContent = `${this.across.name} ${value}: ${this.series.map((one) => said(one, row)).join(", ")}`;
  }
}

function said(series, row) {
  const [low, high] = series.range?.(row) ?? [];
  return `${series.name} ${number(series.value(row), 4)}${low === undefined ? "" : ` (${number(low, 4)}–${number(high, 4)})`}`;
}

export function ticks(low, high, isLogarithmic) {
  if (isLogarithmic) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const digit of [1, 2, 5]) {
        const value = digit * 10 ** power;
        if (value >= low && value <= high) found.push(value);
      }
    }
    return found.length > 1 ? found : [low, high];
  }
  const raw = (high - low) / MOST_TICKS || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= raw);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}
