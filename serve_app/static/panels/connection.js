// Whether the service answers, its notices, and its version, environment and address.

import { get } from "../api.js";
import { h, replace, setText } from "../dom.js";
import { tasks } from "../tasks_state.js";
import { t } from "../words.js";

const ASK_EVERY_MS = 5000;

export function connectionPanel() {
  const state = h("p", { class: "connection", role: "status" });
  const facts = { version: h("dd"), environment: h("dd"), address: h("dd", {}, location.host + location.pathname.slice(0, -1)), "tasks.live": h("dd"), streams: h("dd") };
  const notices = h("div", { role: "status" });
  let isDescribed = false;
  const panel = h("section", { class: "panel", "aria-label": t("connection") },
    h("h2", {}, t("connection")), state, notices,
    h("dl", { class: "facts" }, Object.entries(facts).map(([key, value]) => h("div", {}, h("dt", {}, t(key)), value))));

  const show = () => {
    setText(state, t(`connection.${tasks.connection}`));
    state.dataset.state = tasks.connection;
    isDescribed = false; // It may be another start of the service.
  };
  tasks.addEventListener("connection", show);
  show();

  async function ask() {
    if (document.hidden) return;
    try {
      const health = await get("/api/v1/health");
      setText(facts.version, health.version);
      setText(facts["tasks.live"], String(health.training_tasks + health.inference_tasks));
      setText(facts.streams, String(health.active_log_streams));
      if (!isDescribed) {
        const info = await get("/api/v1/info");
        setText(facts.environment, info.environment);
        replace(notices, info.notices.map((text) => h("p", { class: "note error" }, text)));
        isDescribed = true;
      }
    } catch {
      // The connection state above shows it.
    }
  }
  const timer = setInterval(ask, ASK_EVERY_MS);
  ask();
  return { element: panel, stop: () => {
    clearInterval(timer);
    tasks.removeEventListener("connection", show);
  } };
}
