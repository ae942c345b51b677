// The spectrogram of one window, large, with its five likeliest classes. Arrow keys go to its neighbours.

import { placeText, windowText } from "./answer_text.js";
import { h } from "./dom.js";
import { predictionDetail } from "./prediction_detail.js";
import { t } from "./words.js";

// `onTurn` learns of each window that is shown. Returns the dialog.
export function windowDialog(windows, first, file, onTurn) {
  const detail = predictionDetail();
  const previous = h("button", { type: "button", onclick: () => show(frame - 1) }, t("pages.previous"));
  const next = h("button", { type: "button", onclick: () => show(frame + 1) }, t("pages.next"));
  const close = h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, t("browse.cancel"));
  const dialog = h("dialog", { class: "window", "aria-label": t("strip.window"), onclose: () => {
    detail.stop();
    dialog.remove();
  }, onkeydown: (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(frame + step);
  } }, detail.element, h("div", { class: "buttons" }, previous, next, close));
  let frame = first;

  async function show(wanted) {
    frame = Math.max(0, Math.min(windows.count - 1, wanted));
    const mine = frame;
    previous.disabled = frame === 0;
    next.disabled = frame === windows.count - 1;
    onTurn(frame);
    const [row] = await windows.between(frame, frame).catch(() => []);
    if (mine !== frame || !dialog.open) return;
    detail.show(row, placeText(frame, windows), windows.path(frame), `${file}, ${windowText(frame, windows, row)}`);
  }

  document.body.append(dialog);
  dialog.showModal();
  show(first);
  return dialog;
}
