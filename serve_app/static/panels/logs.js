// The live log of the chosen task, or of the newest running task.

import { h, replace } from "../dom.js";
import { fillSelect } from "../form.js";
import { logView } from "../log_view.js";
import { nameOf } from "../one_task.js";
import { tasks } from "../tasks_state.js";
import { t, word } from "../words.js";

const MOST_CHOICES = 200;

export function logsPanel() {
  const choice = h("select", { "aria-label": t("log.task"), onchange: () => choose(choice.value) });
  const content = h("div", {}, h("p", { class: "empty" }, t("log.choose")));
  const panel = h("section", { class: "panel", id: "live-log", "aria-label": t("log") }, h("div", { class: "title" }, h("h2", {}, t("log")), choice), content);
  let shown = null;
  let isChosen = false;
  let view = null;
  let known = "";

  function choose(id) {
    isChosen = Boolean(id);
    show(id);
  }

  function show(id) {
    if (id === shown) return;
    view?.stop();
    shown = id || null;
    view = shown ? logView(shown) : null;
    replace(content, view?.element ?? h("p", { class: "empty" }, t("log.choose")));
    choice.value = shown ?? "";
  }

  function changed() {
    const newest = tasks.all().sort((one, other) => (one.created_at < other.created_at ? 1 : -1)).slice(0, MOST_CHOICES);
    const key = newest.map((task) => task.task_id + task.status).join();
    if (key === known) return;
    known = key;
    const running = newest.find((task) => task.status === "running");
    // Show the newest running task until the user chooses another task.
    if (!isChosen && running && !(shown && tasks.get(shown)?.status === "running")) show(running.task_id);
    const options = newest.map((task) => [task.task_id, `${word("kind", task.task_type)} · ${nameOf(task)} · ${word("status", task.status)}`]);
    if (shown && !newest.some((task) => task.task_id === shown)) options.unshift([shown, shown]);
    fillSelect(choice, [["", "–"], ...options], shown ?? "");
  }

  tasks.addEventListener("change", changed);
  changed();
  return {
    element: panel,
    show: (id, level) => {
      choose(id);
      panel.scrollIntoView({ block: "nearest" });
      if (level) view?.showLevel(level);
    },
    stop: () => {
      view?.stop();
      tasks.removeEventListener("change", changed);
    },
  };
}
