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
    const lastPage = Math.floor(Math.max(0, list.length - 1) / this.#size) * this.#size;
    this.#first = Math.min(this.#first, lastPage);
    const page = list.slice(this.#first, this.#first + this.#size);
    this.element.hidden = lastPage === 0;
    this.previous.disabled = this.#first === 0;
    this.next.disabled = this.#first === lastPage;
    setText(this.where, t("pages.where", { first: number(this.#first + 1), last: number(this.#first + page.length), all: number(list.length) }));
    return page;
  }
}
