// The GPUs and their load.

import { h, replace } from "../dom.js";
import { resources } from "../resources_state.js";
import { number, t } from "../words.js";

export function gpuPanel() {
  const content = h("div");
  const panel = h("section", { class: "panel", "aria-label": t("gpu") }, h("h2", {}, t("gpu")), content);
  const show = () => {
    if (!resources.devices) return;
    const info = resources.devices.gpu_info;
    const logical = Object.keys(resources.devices.limits).length - 1 - info.devices.length;
    const none = logical > 0 ? t("gpu.logical", { n: logical }) : t("gpu.none");
    replace(content, info.devices.map(card), info.devices.length ? null : h("p", {}, none),
      info.pytorch_version ? h("p", { class: "hint" }, t("cuda", { cuda: info.cuda_version ?? "–", torch: info.pytorch_version })) : null);
  };
  resources.addEventListener("change", show);
  show();
  return { element: panel, stop: () => resources.removeEventListener("change", show) };
}

function card(gpu) {
  const used = gpu.used_memory_gb ?? gpu.allocated_memory_gb ?? 0;
  const facts = [
    gpu.utilization === null ? null : `${t("gpu.use")} ${number(gpu.utilization, 0)} %`,
    gpu.temperature_c === null ? null : `${t("gpu.temperature")} ${number(gpu.temperature_c, 0)} °C`,
    gpu.power_w === null ? null : `${t("gpu.power")} ${number(gpu.power_w, 0)} W`,
    t("gpu.tasks", gpu.current_tasks),
  ].filter(Boolean);
  return h("article", { class: "gpu" },
    h("h3", {}, gpu.device_name, " ", h("span", { class: "hint" }, `${gpu.name} ${t("gpu.node", { node: gpu.node })}`)),
    meter(t("gpu.memory"), used, gpu.total_memory_gb, `${number(used, 1)} / ${number(gpu.total_memory_gb, 1)} GB`),
    h("p", { class: "hint" }, facts.join(" · ")));
}

export function meter(label, value, most, text) {
  const part = most ? Math.min(1, value / most) : 0;
  return h("div", { class: "meter" }, h("span", {}, label), h("span", { class: "bar", role: "meter", "aria-label": label,
    "aria-valuenow": Math.round(part * 100), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuetext": text },
    h("span", { style: { width: `${100 * part}%` } })), h("span", { class: "amount" }, text));
}
