// The pages of a long list: buttons to change the page, and the entries of the shown page.

import { h, setText } from "./dom.js";
import { number, t } from "./words.js";

export class Pager {
  #size;
  #first = 0;

  constructor(size, onTurn) {
    this.#size = size;
    const turn = (by) => {
      this.#first += by;
      onTurn();
    };
    this.previous = h("button", { type: "button", onclick: () => turn(-size) }, t("pages.previous"));
    this.next = h("button", { type: "button", onclick: () => turn(size) }, t("pages.next"));
    this.where = h("span", { class: "hint", "aria-live": "polite" });
    this.element = h("div", { class: "buttons pages" }, this.previous, this.where, this.next);
  }

  begin() {
    this.#first = 0;
  }

  cut(list) {
    const [first, end] = this.range(list.length);
    return list.slice(first, end);
  }

  // The first entry of the page and the one after its last, if there are `count` entries.
  range(count) {
    const lastPage = Math.floor(Math.max(0, count - 1) / this.#size) * this.#size;
    this.#first = Math.min(this.#first, lastPage);
    const end = Math.min(count, this.#first + this.#size);
    this.element.hidden = lastPage === 0;
    this.previous.disabled = this.#first === 0;
    this.next.disabled = this.#first === lastPage;
    setText(this.where, t("pages.where", { first: number(this.#first + 1), last: number(end), all: number(count) }));
    return [this.#first, end];
  }
}
