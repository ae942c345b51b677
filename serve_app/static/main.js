// The page: the header, and below it the overview or one task, chosen by the address after #.

import { get, needsKey } from "./api.js";
import { h, newId, replace } from "./dom.js";
import { failed } from "./notes.js";
import { connectionPanel } from "./panels/connection.js";
import { gpuPanel } from "./panels/gpu.js";
import { logsPanel } from "./panels/logs.js";
import { resourcesPanel } from "./panels/resources.js";
import { startPanel } from "./panels/start.js";
import { tasksPanel } from "./panels/tasks.js";
import { resources } from "./resources_state.js";
import { beginSession, refusal, session, signOut } from "./session.js";
import { signInForm } from "./sign_in.js";
import { taskPage } from "./task_page.js";
import { tasks } from "./tasks_state.js";
import { choose, language, t } from "./words.js";

const THEME = "rfuav.theme";
const main = document.getElementById("main");
let parts = [];
let again = null;

function overview() {
  const logs = logsPanel();
  const start = startPanel(again);
  again = null;
  parts = [connectionPanel(), resourcesPanel(), gpuPanel(), start, tasksPanel({ onLog: logs.show, onAgain: runAgain }), logs];
  const [connection, limits, gpus, , list] = parts;
  return h("div", { class: "overview" },
    h("div", { class: "side" }, connection.element, limits.element, gpus.element),
    h("div", { class: "middle" }, start.element, list.element, logs.element));
}

async function runAgain(task) {
  try {
    const { task_id: _, ...request } = await get(`/api/v2/tasks/${encodeURIComponent(task.task_id)}/request`);
    // The service chose this folder by the task's id. It holds that task's results.
    if (request.save_path?.endsWith(`/${task.task_id}`)) delete request.save_path;
    again = { kind: task.task_type, request };
    if (location.hash === "#/" || !location.hash) route();
    else location.hash = "#/";
    document.getElementById("start").scrollIntoView();
  } catch (error) {
    failed(error);
  }
}

function route() {
  for (const part of parts) part.stop();
  parts = [];
  const match = /^#\/tasks\/(.+)$/.exec(location.hash);
  if (match) {
    parts = [taskPage(decodeURIComponent(match[1]), { onAgain: runAgain })];
    replace(main, parts[0].element);
    scrollTo(0, 0);
  } else {
    replace(main, overview());
  }
}

function theme() {
  return localStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function header() {
  const switchTheme = h("button", { type: "button", onclick: () => {
    localStorage.setItem(THEME, theme() === "dark" ? "light" : "dark");
    dress();
  } });
  const dress = () => {
    document.documentElement.dataset.theme = theme();
    switchTheme.textContent = t(theme() === "dark" ? "theme.light" : "theme.dark");
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  dress();
  replace(document.getElementById("top"),
    h("a", { class: "brand", href: "#/" }, h("img", { src: "static/icon.svg", alt: "", width: "28", height: "28" }), "rfuav-ray"),
    h("nav", {}, h("a", { href: "#/" }, t("nav.overview")), h("a", { href: "docs" }, t("nav.docs"))),
    session.name === null ? null : h("p", { class: "who" }, t("key.who", { name: session.name, scope: session.scope })),
    h("div", { class: "buttons" }, session.name === null ? null : h("button", { type: "button", onclick: () => signOut().catch(failed) }, t("key.signOut")), switchTheme, h("button", { type: "button", lang: language === "zh" ? "en" : "zh", "aria-label": t("language.label"),
      onclick: () => choose(language === "zh" ? "en" : "zh") }, t("language"))),
    refusal("write") ? h("p", { class: "rights" }, t("key.readOnly")) : null);
}

function askForKey() {
  if (document.querySelector("dialog.key")) return;
  const titleId = newId("key");
  const dialog = h("dialog", { class: "key", "aria-labelledby": titleId }, h("h2", { id: titleId }, t("key.title")), h("p", {}, t("key.text")),
    signInForm());
  document.body.append(dialog);
  dialog.showModal();
}

document.documentElement.lang = language;
document.getElementById("skip").textContent = t("skip");
needsKey.addEventListener("key", askForKey);
addEventListener("hashchange", route);
await beginSession();
header();
tasks.start();
resources.start();
route();
