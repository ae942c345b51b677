// All tasks, updated live: search, sort, change priority, cancel, delete.

import { post } from "../api.js";
import { arrange, h, setText } from "../dom.js";
import { fillSelect } from "../form.js";
import { taskKinds } from "../kinds.js";
import { failed } from "../notes.js";
import { cancelTask, deleteTask, nameOf, progressText, warningsText } from "../one_task.js";
import { Pager } from "../pager.js";
import { guard } from "../session.js";
import { isLive, tasks } from "../tasks_state.js";
import { number, t, time, word } from "../words.js";

const STATES = ["pending", "running", "completed", "failed", "cancelled"];
const ROWS_A_PAGE = 50;
const COLUMNS = {
  status: (task) => STATES.indexOf(task.status),
  task: (task) => nameOf(task).toLowerCase(),
  progress: (task) => task.progress,
  device: (task) => task.device,
  priority: (task) => task.priority,
  created: (task) => task.created_at,
};

export function tasksPanel({ onLog, onAgain }) {
  const rows = new Map();
  const body = h("tbody");
  const count = h("span", { class: "hint", "aria-live": "polite" });
  const empty = h("p", { class: "empty" });
  const search = h("input", { type: "search", placeholder: t("tasks.search"), "aria-label": t("tasks.search"), oninput: find });
  const kind = h("select", { "aria-label": t("tasks.allKinds"), onchange: find }, h("option", { value: "" }, t("tasks.allKinds")));
  const state = h("select", { "aria-label": t("tasks.allStates"), onchange: find });
  taskKinds().then((kinds) => kind.append(...Object.keys(kinds).map((name) => h("option", { value: name }, word("kind", name)))));
  fillSelect(state, [["", t("tasks.allStates")], ...STATES.map((name) => [name, word("status", name)])], "");
  const pages = new Pager(ROWS_A_PAGE, draw);
  let sorting = { column: "created", isDown: true };
  const heads = Object.fromEntries(Object.keys(COLUMNS).map((column) => [column,
    h("th", { scope: "col" }, h("button", { type: "button", onclick: () => sort(column) }, t(`tasks.${column}`)))]));
  const table = h("table", { class: "tasks" },
    h("thead", {}, h("tr", {}, Object.values(heads), h("th", { scope: "col" }, t("tasks.actions")))), body);
  const panel = h("section", { class: "panel", "aria-label": t("tasks") },
    h("div", { class: "title" }, h("h2", {}, t("tasks")), count), h("div", { class: "filters" }, search, kind, state, pages.element), table, empty);

  function sort(column) {
    sorting = { column, isDown: sorting.column === column ? !sorting.isDown : column === "created" };
    find();
  }

  function find() {
    pages.begin();
    draw();
  }

  let isDue = false;
  function changed() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  }

  function draw() {
    const all = tasks.all();
    const wanted = search.value.trim().toLowerCase();
    const shown = all.filter((task) => (!kind.value || task.task_type === kind.value) && (!state.value || task.status === state.value)
      && (!wanted || `${task.task_id} ${task.description ?? ""} ${task.message}`.toLowerCase().includes(wanted)));
    const value = COLUMNS[sorting.column];
    shown.sort((one, other) => (value(one) > value(other) ? 1 : value(one) < value(other) ? -1 : 0) * (sorting.isDown ? -1 : 1));
    for (const [column, head] of Object.entries(heads)) {
      head.setAttribute("aria-sort", column !== sorting.column ? "none" : sorting.isDown ? "descending" : "ascending");
    }
    const page = pages.cut(shown);
    const ids = new Set(page.map((task) => task.task_id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    arrange(body, page.map((task) => rowOf(task)));
    setText(count, t("tasks.count", { shown: number(shown.length), all: number(all.length) }));
    setText(empty, shown.length ? "" : t(all.length ? "tasks.noneMatch" : "tasks.none"));
  }

  function rowOf(task) {
    const known = rows.get(task.task_id) ?? new TaskRow(task, { onLog, onAgain });
    rows.set(task.task_id, known);
    known.show(task, tasks.place(task.task_id));
    return known.element;
  }

  tasks.addEventListener("change", changed);
  draw();
  return { element: panel, stop: () => tasks.removeEventListener("change", changed) };
}

class TaskRow {
  constructor(task, { onLog, onAgain }) {
    const id = task.task_id;
    this.status = h("span", { class: "status" });
    this.warnings = h("button", { type: "button", class: "badge", hidden: true, onclick: () => onLog(id, "warnings") });
    this.name = h("a", { href: `#/tasks/${encodeURIComponent(id)}` });
    this.kind = h("span", { class: "hint" });
    this.bar = h("span");
    this.progress = h("span", { class: "hint" });
    this.device = h("span");
    this.priority = h("select", { "aria-label": t("tasks.priorityOf", { id }), onchange: () => this.#prioritise() },
      Array.from({ length: 10 }, (_, index) => h("option", { value: index + 1 }, String(index + 1))));
    this.fixedPriority = h("span");
    this.actions = h("div", { class: "actions" },
      this.log = h("button", { type: "button", onclick: () => onLog(id), "aria-label": `${t("tasks.log")}: ${id}` }, t("tasks.log")),
      this.again = h("button", { type: "button", onclick: () => onAgain(this.task), "aria-label": `${t("tasks.again")}: ${id}` }, t("tasks.again")),
      this.cancel = h("button", { type: "button", onclick: () => cancelTask(this.task), "aria-label": `${t("tasks.cancel")}: ${id}` }, t("tasks.cancel")),
      this.remove = h("button", { type: "button", onclick: () => deleteTask(this.task), "aria-label": `${t("tasks.delete")}: ${id}` }, t("tasks.delete")));
    for (const control of [this.priority, this.cancel, this.remove]) guard(control, "write");
    this.created = h("span", {}, time(task.created_at));
    this.element = h("tr", {}, cell("status", this.status, this.warnings), cell("task", this.name, this.kind),
      cell("progress", h("span", { class: "bar" }, this.bar), this.progress), cell("device", this.device),
      cell("priority", this.priority, this.fixedPriority), cell("created", this.created), cell("actions", this.actions));
  }

  show(task, place) {
    if (this.task === task && this.place === place) return;
    this.task = task;
    this.place = place;
    const isWaiting = task.status === "pending";
    setText(this.status, word("status", task.status));
    this.status.dataset.status = task.status;
    this.warnings.hidden = !task.warnings;
    setText(this.warnings, warningsText(task));
    this.warnings.setAttribute("aria-label", `${warningsText(task)}: ${task.task_id}`);
    setText(this.name, nameOf(task));
    setText(this.kind, word("kind", task.task_type));
    this.bar.style.setProperty("width", `${task.progress}%`);
    setText(this.progress, progressText(task, place));
    setText(this.device, task.device);
    this.priority.hidden = !isWaiting;
    this.priority.value = task.priority;
    setText(this.fixedPriority, isWaiting ? "" : String(task.priority));
    this.cancel.hidden = !isLive(task);
    this.remove.hidden = isLive(task);
  }

  async #prioritise() {
    try {
      tasks.put(await post(`/api/v2/tasks/${this.task.task_id}/priority`, { priority: Number(this.priority.value) }));
    } catch (error) {
      failed(error);
    }
  }
}

function cell(column, ...content) {
  return h("td", { "data-label": t(`tasks.${column}`), class: `is-${column}` }, content);
}
