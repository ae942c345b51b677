// CPU and memory, the slots in use on each device, and their limits, which the user can change.

import { post } from "../api.js";
import { h, replace } from "../dom.js";
import { failed, note } from "../notes.js";
import { resources } from "../resources_state.js";
import { guard, refusal } from "../session.js";
import { number, t, word } from "../words.js";
import { meter } from "./gpu.js";

const KINDS = ["training", "inference"];

export function resourcesPanel() {
  const meters = h("div");
  const rows = h("tbody");
  const apply = guard(h("button", { type: "submit", class: "primary" }, t("resources.apply")), "admin");
  const form = h("form", { onsubmit: save, oninput: () => { isChanged = true; } },
    h("table", { class: "caps" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("resources.device")), KINDS.map((kind) => h("th", { scope: "col" }, word("kind", kind))))), rows),
    h("p", { class: "hint" }, t("resources.hint")), h("p", { class: "hint", hidden: !refusal("admin") }, refusal("admin")), apply);
  const panel = h("section", { class: "panel", "aria-label": t("resources") }, h("h2", {}, t("resources")), meters, form);
  let isChanged = false;
  let inputs = {};

  const show = () => {
    if (!resources.devices) return;
    const { cpu, devices } = resources;
    replace(meters, meter(t("resources.cpu"), cpu.cpu_percent, 100, `${number(cpu.cpu_percent, 0)} % · ${t("resources.cores", { n: cpu.cores })}`),
      meter(t("resources.memory"), cpu.memory_percent, 100, `${number(cpu.memory_percent, 0)} %`));
    if (Object.keys(inputs).join() !== Object.keys(devices.limits).join()) build(devices.limits);
    for (const [device, limits] of Object.entries(devices.limits)) {
      for (const kind of KINDS) {
        const { input, used } = inputs[device][kind];
        used.textContent = t("resources.inUse", { used: devices.device_usage[device]?.[kind] ?? 0 });
        if (!isChanged) input.value = limits[kind];
      }
    }
  };

  function build(limits) {
    inputs = {};
    replace(rows, Object.keys(limits).map((device) => {
      inputs[device] = {};
      return h("tr", {}, h("th", { scope: "row" }, device), KINDS.map((kind) => {
        const input = guard(h("input", { type: "number", min: "0", step: "1", required: true,
          "aria-label": t("resources.limit", { kind: word("kind", kind), device }) }), "admin");
        const used = h("span", { class: "used" });
        inputs[device][kind] = { input, used };
        return h("td", {}, used, " ", input);
      }));
    }));
  }

  async function save(event) {
    event.preventDefault();
    const caps = Object.fromEntries(Object.entries(inputs).map(([device, kinds]) =>
      [device, Object.fromEntries(KINDS.map((kind) => [kind, Number(kinds[kind].input.value)]))]));
    try {
      await post("/api/v2/resources/config", { max_concurrent: caps });
      isChanged = false;
      note(t("resources.saved"));
      await resources.ask();
    } catch (error) {
      failed(error);
    }
  }

  resources.addEventListener("change", show);
  show();
  return { element: panel, stop: () => resources.removeEventListener("change", show) };
}
