// The verdict of an audit, with its reasons.

import { h } from "./dom.js";
import { word } from "./words.js";

export function verdictOf({ verdict, sentences }) {
  return h("div", { class: "verdict", "data-verdict": verdict }, h("p", {}, h("b", { class: "status" }, word("verdict", verdict))),
    h("ul", {}, sentences.map((sentence) => h("li", {}, sentence))));
}
