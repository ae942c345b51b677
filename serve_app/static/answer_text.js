// What the answers for recordings and windows say, in words.

import { h } from "./dom.js";
import { number, percent, t } from "./words.js";

// The class of an answer with a badge if it is unknown, for a table or a heading.
export function answerText(answer) {
  if (!answer || answer.class_name === null) return [h("span", { class: "hint" }, t("answers.nothing"))];
  return [answer.class_name, answer.unknown ? h("span", { class: "tag" }, t("answers.isUnknown")) : null];
}

// What a recording is: its class, or why it has none.
export function verdictText(recording) {
  if (!recording.verdict && recording.failed_windows) return [h("span", { class: "hint" }, t("recordings.unreadable"))];
  return answerText(recording.verdict);
}

// "Window 3, 0.3 s: drone, 95 %"
export function windowText(frame, windows, row) {
  const place = placeText(frame, windows);
  if (!row) return place;
  if (row.class_name === null) return `${place}: ${t("answers.nothing")}`;
  return `${place}: ${row.class_name}, ${percent(100 * row.probability)}${row.unknown ? `, ${t("answers.isUnknown")}` : ""}`;
}

// "Window 3, 0.3 s"
export function placeText(frame, windows) {
  return t("window", { n: number(frame), time: number(windows.startOf(frame), 4) });
}
