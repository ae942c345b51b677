// A line chart with a cursor: hover, touch or arrow keys show the values of one epoch. The scale may be logarithmic.

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

// `series` is a list of {name, className, value(row)}; rows have `epoch`.
export class LineChart {
  constructor(title, series, { canBeLogarithmic = false } = {}) {
    this.title = title;
    this.series = series;
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
    const points = this.series.map((one) => this.rows.map((row) => [row.epoch, one.value(row)]).filter(([, y]) => this.#canShow(y)));
    const all = points.flat();
    if (!all.length) {
      replace(this.picture);
      return;
    }
    const lastEpoch = Math.max(...this.rows.map((row) => row.epoch));
    const firstEpoch = Math.min(...this.rows.map((row) => row.epoch));
    const [low, high] = this.#range(all.map(([, y]) => y));
    const scale = this.isLogarithmic ? Math.log10 : (y) => y;
    this.x = (epoch) => LEFT + ((epoch - firstEpoch) / Math.max(1, lastEpoch - firstEpoch)) * (this.width - LEFT - RIGHT);
    this.y = (y) => HEIGHT - BOTTOM - ((scale(y) - scale(low)) / (scale(high) - scale(low))) * (HEIGHT - TOP - BOTTOM);
    this.mark = svg("g", { class: "cursor" });
    replace(this.picture, this.#grid(low, high, firstEpoch, lastEpoch),
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

  #grid(low, high, firstEpoch, lastEpoch) {
    const lines = ticks(low, high, this.isLogarithmic).map((value) => svg("g", {},
      svg("line", { x1: LEFT, x2: this.width - RIGHT, y1: this.y(value), y2: this.y(value) }),
      svg("text", { x: LEFT - 6, y: this.y(value) + 4, "text-anchor": "end" }, number(value, 4))));
    const epochs = ticks(firstEpoch, lastEpoch, false).filter(Number.isInteger).map((epoch) =>
      svg("text", { x: this.x(epoch), y: HEIGHT - 10, "text-anchor": "middle" }, String(epoch)));
    return svg("g", { class: "grid" }, lines, epochs);
  }

  #line(points, className) {
    const path = points.map(([epoch, y], index) => `${index ? "L" : "M"}${this.x(epoch).toFixed(1)} ${this.y(y).toFixed(1)}`).join("");
    const dots = points.length > MOST_DOTS ? [] : points.map(([epoch, y]) => svg("circle", { cx: this.x(epoch), cy: this.y(y), r: 2.5 }));
    return svg("g", { class: `line ${className}` }, svg("path", { d: path }), dots);
  }

  #point(event) {
    if (!this.rows.length) return;
    const box = this.picture.getBoundingClientRect();
    const x = event.clientX - box.left;
    const nearest = this.rows.reduce((best, row) => (Math.abs(this.x(row.epoch) - x) < Math.abs(this.x(best.epoch) - x) ? row : best));
    this.#move(nearest.epoch);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.rows.length) return;
    event.preventDefault();
    const index = this.rows.findIndex((row) => row.epoch === this.cursor);
    const next = index < 0 ? this.rows.length - 1 : Math.min(this.rows.length - 1, Math.max(0, index + step));
    this.#move(this.rows[next].epoch);
  }

  #move(epoch) {
    this.cursor = epoch;
    const row = this.rows.find((one) => one.epoch === epoch);
    if (!this.mark) return;
    if (!row) {
      replace(this.mark);
      this.values.textContent = "";
      return;
    }
    const x = this.x(epoch);
    replace(this.mark, svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }),
      this.series.filter((one) => this.#canShow(one.value(row))).map((one) =>
        svg("circle", { class: one.className, cx: x, cy: this.y(one.value(row)), r: 4 })));
    this.values.textContent = `${t("chart.epoch")} ${epoch}: ${this.series.map((one) => `${one.name} ${number(one.value(row), 4)}`).join(", ")}`;
  }
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
