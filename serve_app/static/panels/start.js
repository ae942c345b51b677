// A form for each kind of task, built from the API's schema.

import { get, post } from "../api.js";
import { h, replace } from "../dom.js";
import { RequestForm } from "../form.js";
import { taskKinds } from "../kinds.js";
import { note } from "../notes.js";
import { resources } from "../resources_state.js";
import { guard, refusal } from "../session.js";
import { tasks } from "../tasks_state.js";
import { t, word } from "../words.js";

// `again` is the {kind, request} of an earlier task, whose values fill the form.
export function startPanel(again = null) {
  const content = h("div", { role: "tabpanel", id: "start-form" });
  const list = h("div", { role: "tablist", class: "tabs", "aria-label": t("start"), onkeydown: move });
  const panel = h("section", { class: "panel start", id: "start", "aria-label": t("start") }, h("h2", {}, t("start")), list, content);
  let kinds = {};
  let tabs = [];
  let description = null;

  async function begin() {
    kinds = await taskKinds();
    tabs = Object.keys(kinds).map((kind) => h("button", { type: "button", role: "tab", id: `start-${kind}`, "aria-controls": "start-form",
      onclick: () => choose(kind) }, word("kind", kind)));
    replace(list, tabs);
    const kept = sessionStorage.getItem("rfuav.kind");
    await choose(again?.kind ?? (kept in kinds ? kept : Object.keys(kinds)[0]), again?.request);
  }

  function move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const index = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    tabs[index].focus();
    tabs[index].click();
  }

  async function choose(kind, values) {
    for (const tab of tabs) {
      const isChosen = tab.id === `start-${kind}`;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    }
    content.setAttribute("aria-labelledby", `start-${kind}`);
    sessionStorage.setItem("rfuav.kind", kind);
    description ??= await describe(kinds);
    const form = new RequestForm(kind, description.schemas[kind], description.choices, values);
    const submit = guard(h("button", { type: "submit", class: "primary" }, t("start.submit", { kind: word("kind", kind) })), "write");
    const reset = h("button", { type: "button", onclick: () => form.reset() }, t("start.reset"));
    replace(content, h("form", { novalidate: true, onsubmit: (event) => send(event, kind, form, submit) },
      values ? h("p", { class: "hint" }, t("start.again")) : null, form.element,
      h("p", { class: "hint", hidden: !refusal("write") }, refusal("write")), h("div", { class: "buttons" }, reset, submit)));
  }

  async function send(event, kind, form, submit) {
    event.preventDefault();
    submit.disabled = true;
    try {
      const answer = await post(kinds[kind].path, form.read());
      form.show([]);
      tasks.put(await get(`/api/v2/tasks/${answer.task_id}`));
      note(t("start.started", { id: answer.task_id }), { link: h("a", { href: `#/tasks/${answer.task_id}` }, t("start.show")) });
    } catch (error) {
      form.show(error.errors ?? [], error.message || t("error.network"));
    } finally {
      submit.disabled = false;
    }
  }

  begin().catch(() => {
    content.textContent = t("error.network");
  });
  return { element: panel, stop: () => {} };
}

async function describe(kinds) {
  const [info] = await Promise.all([get("/api/v1/info"), resources.devices ?? resources.start()]);
  const devices = Object.keys(resources.devices?.limits ?? { cpu: {} });
  const gpus = devices.filter((device) => device !== "cpu");
  const device = gpus.length
    ? [["cuda", t("device.cuda")], ...devices.map((name) => [name, name])]
    : [["cpu", "cpu"], ["cuda", t("device.none")]];
  const choices = { model: info.supported_models.map((name) => [name, name]), device };
  const schemas = Object.fromEntries(Object.entries(kinds).map(([kind, { schema }]) => [kind, structuredClone(schema)]));
  if (!gpus.length) {
    for (const { properties } of Object.values(schemas)) if (properties.device) properties.device.default = "cpu";
  }
  return { schemas, choices };
}
