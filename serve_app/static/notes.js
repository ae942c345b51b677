// Short messages at the edge of the page, and confirmation dialogs.

import { h, newId } from "./dom.js";
import { t } from "./words.js";

const SHOWN_MS = 8000;

export function note(text, { isError = false, link = null } = {}) {
  const shown = h("p", { class: isError ? "note error" : "note" }, text, link ? [" ", link] : null);
  document.getElementById("notes").append(shown);
  setTimeout(() => shown.remove(), SHOWN_MS);
}

export function failed(error) {
  note(error.message || t("error.network"), { isError: true });
}

export function ask(question) {
  const titleId = newId("question");
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "question", "aria-labelledby": titleId, onclose: () => {
        resolve(dialog.returnValue === "yes");
        dialog.remove();
      } },
      h("p", { id: titleId }, question),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => dialog.close("no") }, t("no")),
        h("button", { type: "button", class: "primary", onclick: () => dialog.close("yes") }, t("yes")),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
