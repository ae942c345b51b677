// Filters of answers: by class, by state (unknown, known, nothing on the air) and by confidence.

import { h, setText } from "./dom.js";
import { fillSelect } from "./form.js";
import { t } from "./words.js";

const STATES = ["all", "unknown", "known", "nothing"];

export class AnswerFilters {
  #below;
  #belowText = h("output", { class: "hint" });

  constructor(onChange) {
    this.className = h("select", { "aria-label": t("predictions.class"), onchange: onChange });
    this.state = h("select", { "aria-label": t("answers.state"), onchange: onChange }, STATES.map((name) => h("option", { value: name }, t(`answers.${name}`))));
    this.#below = h("input", { type: "range", min: "0", max: "100", value: "100", "aria-label": t("predictions.below"), oninput: () => {
      this.#write();
      onChange();
    } });
    this.element = h("div", { class: "filters" }, this.className, this.state,
      h("label", {}, t("predictions.below"), " ", this.#below), this.#belowText);
    this.#write();
  }

  setNames(names) {
    fillSelect(this.className, [["", t("predictions.allClasses")], ...[...names].sort().map((name) => [name, name])], "");
  }

  // An answer has class_name, probability and unknown. Without a class, nothing is on the air.
  matches(answer) {
    const name = answer?.class_name ?? null;
    const most = Number(this.#below.value) / 100;
    if (this.className.value && name !== this.className.value) return false;
    if (most < 1 && !(name !== null && answer.probability < most)) return false;
    switch (this.state.value) {
      case "unknown": return Boolean(answer?.unknown);
      case "known": return name !== null && !answer.unknown;
      case "nothing": return name === null;
      default: return true;
    }
  }

  #write() {
    setText(this.#belowText, `${this.#below.value} %`);
  }
}
