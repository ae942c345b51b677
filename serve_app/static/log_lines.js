// The lines of a log, in blocks. Only blocks near the view have their lines in the page. Other blocks are empty and keep
// their height, or have an estimated height.

import { h, replace } from "./dom.js";
import { clock, t } from "./words.js";

const LINES_A_BLOCK = 100;
const GUESSED_LINE_PX = 19;
const NEAR = "600px 0px";

class Block {
  #entries = [];
  #isFilled = false;
  element = h("div");

  get room() {
    return LINES_A_BLOCK - this.#entries.length;
  }

  add(entries) {
    this.#entries.push(...entries);
    if (this.#isFilled) this.element.append(...entries.map(line));
    else this.#beHigh(GUESSED_LINE_PX * this.#entries.length);
  }

  fill() {
    if (this.#isFilled) return;
    this.#isFilled = true;
    this.element.style.removeProperty("height");
    replace(this.element, this.#entries.map(line));
  }

  empty(height) {
    if (!this.#isFilled) return;
    this.#isFilled = false;
    this.#beHigh(height);
    replace(this.element);
  }

  #beHigh(height) {
    this.element.style.setProperty("height", `${height}px`);
  }
}

export class LogLines {
  element = h("div", { class: "log", role: "log", tabindex: "0", "aria-label": t("log") });
  #blocks = [];
  #blockOf = new WeakMap();
  #watch;

  // `onChange` is called after lines were added to the page or removed: other lines may have moved.
  constructor(onChange) {
    this.#watch = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting, boundingClientRect } of seen) {
        if (isIntersecting) this.#blockOf.get(target).fill();
        else this.#blockOf.get(target).empty(boundingClientRect.height);
      }
      onChange();
    }, { root: this.element, rootMargin: NEAR });
  }

  append(entries) {
    for (let first = 0; first < entries.length;) {
      const last = this.#blocks.at(-1);
      const block = last?.room ? last : this.#begin();
      const part = entries.slice(first, first + block.room);
      block.add(part);
      first += part.length;
    }
  }

  clear() {
    this.stop();
    this.#blocks = [];
    replace(this.element);
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  stop() {
    this.#watch.disconnect();
  }

  #begin() {
    const block = new Block();
    this.#blocks.push(block);
    this.#blockOf.set(block.element, block);
    this.element.append(block.element);
    this.#watch.observe(block.element);
    return block;
  }
}

function line(entry) {
  return h("p", { class: entry.level.toLowerCase() },
    h("time", { datetime: entry.timestamp }, clock(entry.timestamp)), h("b", {}, entry.level), h("span", {}, entry.message));
}
