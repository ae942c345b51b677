// The form that asks for a key.

import { h, setText } from "./dom.js";
import { signIn } from "./session.js";
import { t } from "./words.js";

export function signInForm() {
  const key = h("input", { type: "password", required: true, autocomplete: "current-password", "aria-label": t("key.field") });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, t("key.use"));
  return h("form", { method: "dialog", onsubmit: send }, key, problem, h("div", { class: "buttons" }, submit));

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      await signIn(key.value.trim());
      goOn();
    } catch (error) {
      setText(problem, error.status === 401 ? t("key.wrong") : error.message || t("error.network"));
      submit.disabled = false;
    }
  }
}

// Not reload(): a browser repeats a visit from another site as such, without the cookie.
export function goOn() {
  if (location.hash) location.reload();
  else location.replace(location.href);
}
