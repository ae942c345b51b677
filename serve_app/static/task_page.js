// One task: its status, its results, its log, its request and its files.

import { address, get } from "./api.js";
import { auditView } from "./audit_view.js";
import { h, replace, setText } from "./dom.js";
import { evaluationView } from "./evaluation_view.js";
import { inferenceView } from "./inference_view.js";
import { logView } from "./log_view.js";
import { failed } from "./notes.js";
import { cancelTask, deleteTask, devicesText, nameOf, progressText, warningsText } from "./one_task.js";
import { guard } from "./session.js";
import { isLive, tasks } from "./tasks_state.js";
import { trainingView } from "./training_view.js";
import { bytes, number, t, time, word } from "./words.js";

export function taskPage(id, { onAgain }) {
  const path = `/api/v2/tasks/${encodeURIComponent(id)}`;
  const title = h("h1", { class: "task-name" });
  const status = h("span", { class: "status" });
  const warnings = h("button", { type: "button", class: "badge", hidden: true, onclick: () => log?.showLevel("warnings") });
  const kind = h("span", { class: "hint" });
  const message = h("p", { role: "status" });
  const bar = h("span");
  const progress = h("span", { class: "hint" });
  const actions = h("div", { class: "buttons" });
  const result = h("section", { class: "panel", "aria-label": t("task.result"), hidden: true });
  const files = h("section", { class: "panel", "aria-label": t("task.files") });
  const request = h("section", { class: "panel", "aria-label": t("task.request") });
  const own = h("div");
  const element = h("div", { class: "task-page" },
    h("p", {}, h("a", { href: "#/" }, `← ${t("task.back")}`)),
    h("section", { class: "panel head", "aria-label": nameOf({ task_id: id }) },
      h("div", { class: "title" }, title, status, warnings, kind), message, h("span", { class: "bar" }, bar), progress, actions),
    own, result, h("div", { class: "columns" }, request, files));
  let task = null;
  let place = null;
  let log = null;
  let view = null;
  let wasLive = null;
  let isOver = false;

  async function begin() {
    const [first, asked] = await Promise.all([get(path), get(`${path}/request`)]);
    if (isOver) return;
    if (first.task_type === "training") view = trainingView(id);
    if (first.task_type === "inference") view = inferenceView(id, asked);
    if (first.task_type === "evaluation") view = evaluationView(id);
    if (first.task_type === "audit") view = auditView();
    log = logView(id, { onEntry: view?.onEntry });
    replace(own, view?.element, h("section", { class: "panel", "aria-label": t("log") }, h("h2", {}, t("log")), log.element));
    replace(request, h("h2", {}, t("task.request")), table(asked));
    tasks.put(first);
    show();
  }

  function show() {
    const now = tasks.get(id);
    if (task && !now) look();
    if (!now || !log || (now === task && tasks.place(id) === place)) return;
    task = now;
    place = tasks.place(id);
    setText(title, nameOf(task));
    setText(status, word("status", task.status));
    status.dataset.status = task.status;
    warnings.hidden = !task.warnings;
    setText(warnings, warningsText(task));
    setText(kind, `${word("kind", task.task_type)} · ${devicesText(task)} · ${t("task.started", { time: time(task.created_at) })}`);
    setText(message, task.message);
    message.className = task.status === "failed" ? "problem" : "";
    bar.style.setProperty("width", `${task.progress}%`);
    setText(progress, progressText(task, place));
    if (isLive(task) !== wasLive) changedLife();
  }

  // The stream begins with the newest tasks only. Ask for an older task, and leave the page if it was deleted.
  async function look() {
    try {
      const found = await get(path);
      if (!isOver) tasks.put(found);
    } catch (error) {
      if (error.status === 404 && !isOver) location.hash = "#/";
    }
  }

  function changedLife() {
    wasLive = isLive(task);
    replace(actions,
      h("button", { type: "button", onclick: () => onAgain(task) }, t("tasks.again")),
      guard(wasLive ? h("button", { type: "button", onclick: () => cancelTask(task) }, t("tasks.cancel"))
        : h("button", { type: "button", onclick: () => deleteTask(task) }, t("tasks.delete")), "write"));
    if (task.status === "completed") view?.load?.(task.result).catch(failed);
    result.hidden = !task.result;
    if (task.result) replace(result, h("h2", {}, t("task.result")), table(simple(task.result, view?.shown ?? [])));
    showFiles().catch(failed);
  }

  async function showFiles() {
    const { folder, artifacts } = await get(`${path}/artifacts`);
    replace(files, h("h2", {}, t("task.files")), h("p", { class: "where" }, `${t("task.folder")}: ${folder}`),
      artifacts.length ? h("ul", { class: "files" }, artifacts.map(download)) : h("p", { class: "empty" }, t("task.filesNone")));
  }

  tasks.addEventListener("change", show);
  begin().catch((error) => {
    replace(own, h("p", { class: "problem" }, error.status === 404 ? t("task.gone") : error.message || t("error.network")));
  });
  return { element, stop: () => {
    isOver = true;
    log?.stop();
    view?.stop?.();
    tasks.removeEventListener("change", show);
  } };
}

function download(file) {
  const text = [file.name, " ", h("span", { class: "size" }, bytes(file.size_bytes))];
  const label = t("task.download", { name: file.name });
  return h("li", {}, h("a", { href: address(file.url), download: file.name, "aria-label": label }, text));
}

// The values of a result that fit into a line. Lists of metrics and files are shown elsewhere.
function simple(result, shown) {
  const elsewhere = new Set(["files", "metrics", "run", ...shown]);
  return Object.fromEntries(Object.entries(result).filter(([name]) => !elsewhere.has(name)));
}

function table(values) {
  return h("dl", { class: "facts" }, Object.entries(values).filter(([, value]) => value !== null && value !== "").map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, typeof value === "object" ? JSON.stringify(value) : typeof value === "number" ? number(value, 8) : String(value)))));
}
