// A form built from a request's JSON schema: fields, defaults and bounds. Shows the server's errors at the fields.

import { get } from "./api.js";
import { h, newId, replace } from "./dom.js";
import { choosePath } from "./folder_picker.js";
import { hint, t } from "./words.js";

const FILES = new Set(["cfg_path", "weight_path"]);
const FILES_OR_FOLDERS = new Set(["source_path", "input_path"]);
// Fields of one task only: the form does not keep them for the next task.
const NOT_KEPT = new Set(["task_id"]);

// `choices` lists the allowed values of text fields: {model: [[value, label], …]}.
export class RequestForm {
  constructor(kind, schema, choices, values = {}) {
    this.kind = kind;
    this.schema = schema;
    this.fields = new Map();
    // Take an earlier task's values unchanged. Do not mix them with the kept values.
    const isAgain = Object.keys(values).length > 0;
    const kept = isAgain ? {} : JSON.parse(localStorage.getItem(this.#key) ?? "{}");
    const required = new Set(schema.required ?? []);
    const first = [];
    const more = [];
    for (const [name, property] of Object.entries(schema.properties)) {
      const words = { ...plain(property), description: hint(kind, name, property.description) };
      const field = new Field(name, words, required.has(name), choices[name]);
      field.set(isAgain && name in values ? values[name] : kept[name] ?? property.default);
      this.fields.set(name, field);
      (required.has(name) || name === "device" || name === "name" ? first : more).push(field.element);
    }
    this.problem = h("p", { class: "problem", role: "alert" });
    this.more = h("details", { open: isAgain }, h("summary", {}, t("start.more")), h("div", { class: "fields" }, more));
    this.element = h("div", {}, h("div", { class: "fields" }, first), this.more, this.problem);
    this.element.addEventListener("input", () => this.keep());
    this.fields.get("train_path")?.element.addEventListener("chosen", () => this.#countClasses());
  }

  get #key() {
    return `rfuav.form.${this.kind}`;
  }

  read() {
    const body = {};
    for (const [name, field] of this.fields) {
      const value = field.get();
      if (value !== undefined) body[name] = value;
    }
    return body;
  }

  keep() {
    const body = this.read();
    for (const name of NOT_KEPT) delete body[name];
    localStorage.setItem(this.#key, JSON.stringify(body));
  }

  reset() {
    localStorage.removeItem(this.#key);
    for (const [name, field] of this.fields) field.set(this.schema.properties[name].default);
    this.show([]);
  }

  // `problems` are the server's errors: a list of {field, message}.
  show(problems, message = "") {
    const byField = new Map(problems.map((problem) => [problem.field.split(".")[0], problem.message]));
    for (const [name, field] of this.fields) field.fail(byField.get(name) ?? "");
    const elsewhere = [...byField].filter(([name]) => !this.fields.has(name)).map(([, reason]) => reason);
    const first = [...this.fields.values()].find((field) => byField.has(field.name));
    if (first && this.more.contains(first.element)) this.more.open = true;
    first?.focus();
    this.problem.textContent = elsewhere.join(" ") || (first ? t("start.fix") : message);
  }

  async #countClasses() {
    const count = this.fields.get("num_classes");
    if (!count || count.get() !== undefined) return;
    const { entries } = await get(`/api/v2/files?path=${encodeURIComponent(this.fields.get("train_path").get())}`);
    count.set(entries.filter((entry) => entry.kind === "folder").length || undefined);
  }
}

// `anyOf` with null means that a field may be left out.
function plain(property) {
  const kinds = property.anyOf?.filter((one) => one.type !== "null");
  return kinds ? { ...property, ...kinds[0] } : property;
}

class Field {
  constructor(name, schema, isRequired, choices) {
    this.name = name;
    this.schema = schema;
    const id = newId(name);
    const hintId = `${id}-hint`;
    const problemId = `${id}-problem`;
    this.problem = h("p", { class: "problem", id: problemId });
    const hint = hintOf(schema, isRequired);
    this.control = controlOf(schema, choices, { id, "aria-describedby": `${hintId} ${problemId}`, required: isRequired });
    const label = h(this.control.isGroup ? "span" : "label", { for: this.control.isGroup ? null : id, id: `${id}-label` },
      h("code", {}, name), isRequired ? h("span", { class: "needed" }, ` ${t("start.required")}`) : null);
    if (this.control.isGroup) this.control.element.setAttribute("aria-labelledby", `${id}-label`);
    this.element = h("div", { class: this.control.isWide || isPath(name) ? "field wide" : "field" },
      label, h("div", { class: "control" }, this.control.element, isPath(name) ? this.#browse() : null),
      h("p", { class: "hint", id: hintId }, hint), this.problem);
  }

  get() {
    return this.control.get();
  }

  set(value) {
    this.control.set(value);
  }

  fail(reason) {
    this.problem.textContent = reason;
    if (reason) this.control.element.setAttribute("aria-invalid", "true");
    else this.control.element.removeAttribute("aria-invalid");
  }

  focus() {
    (this.control.isGroup ? this.control.element.querySelector("input") : this.control.element).focus();
  }

  #browse() {
    const wants = FILES.has(this.name) ? "file" : FILES_OR_FOLDERS.has(this.name) ? "either" : "folder";
    return h("button", { type: "button", "aria-label": `${t("browse")}: ${this.name}`, onclick: async () => {
      const chosen = await choosePath(this.get() ?? "", wants);
      if (chosen === null) return;
      this.set(chosen);
      this.element.dispatchEvent(new Event("chosen"));
      this.control.element.dispatchEvent(new Event("input", { bubbles: true }));
    } }, t("browse"));
  }
}

const isPath = (name) => name.endsWith("_path");

function hintOf(schema, isRequired) {
  const lowest = schema.minimum ?? schema.exclusiveMinimum;
  const highest = schema.maximum ?? schema.exclusiveMaximum;
  const bounds = schema.type === "integer" || schema.type === "number";
  const range = bounds && lowest !== undefined
    ? `${schema.exclusiveMinimum !== undefined ? ">" : "≥"}\u00a0${lowest}${highest !== undefined && highest < 1e9 ? `, ${schema.exclusiveMaximum !== undefined ? "<" : "≤"}\u00a0${highest}` : ""}`
    : "";
  return [schema.description?.replaceAll("`", ""), range, !isRequired && schema.default === null && !schema.description ? t("start.automatic") : ""]
    .filter(Boolean).join(" · ");
}

// A control has an element, get() (undefined: left out) and set(value).
function controlOf(schema, choices, attributes) {
  if (schema.type === "boolean") return schema.default === null ? yesOrNo(attributes) : checkbox(attributes);
  if (schema.type === "object") return groupOfNumbers(schema, attributes);
  if (schema.type === "array") return schema.prefixItems ? pair(attributes) : several(schema.items.enum ?? [], attributes);
  if (choices || schema.enum) {
    return select(choices ?? schema.enum.map((value) => [value, value]), schema.default === null, attributes);
  }
  if (schema.type === "integer" || schema.type === "number") return numeric(schema, attributes);
  const input = h("input", { type: "text", spellcheck: "false", autocomplete: "off", ...attributes });
  return { element: input, get: () => input.value.trim() || undefined, set: (value) => { input.value = value ?? ""; } };
}

function numeric(schema, attributes) {
  const isWhole = schema.type === "integer";
  const input = h("input", { type: "number", step: isWhole ? "1" : "any", min: schema.minimum, max: schema.maximum,
    inputmode: isWhole ? "numeric" : "decimal", ...attributes });
  return {
    element: input,
    // Browsers report text that is not a number as "". An empty field is left out. The server checks the bounds.
    get: () => (input.value === "" ? undefined : Number(input.value)),
    set: (value) => { input.value = value ?? ""; },
  };
}

function checkbox(attributes) {
  const input = h("input", { type: "checkbox", ...attributes, required: false });
  return { element: input, get: () => input.checked, set: (value) => { input.checked = Boolean(value); } };
}

// Left out means that the service decides.
function yesOrNo(attributes) {
  const control = select([["true", t("yes")], ["false", t("no")]], true, attributes);
  return { element: control.element, get: () => ({ true: true, false: false })[control.get()], set: (value) => control.set(value?.toString()) };
}

function select(options, isOptional, attributes) {
  const input = h("select", attributes, isOptional ? h("option", { value: "" }, t("start.automatic")) : null,
    options.map(([value, label]) => h("option", { value }, label)));
  return {
    element: input,
    get: () => input.value || undefined,
    set: (value) => {
      if (value && ![...input.options].some((option) => option.value === value)) input.append(h("option", { value }, value));
      input.value = value ?? input.options[0]?.value ?? "";
    },
  };
}

function several(options, attributes) {
  const boxes = options.map((value) => h("input", { type: "checkbox", value }));
  const group = h("div", { role: "group", class: "several", id: attributes.id, "aria-describedby": attributes["aria-describedby"] },
    boxes.map((box) => h("label", {}, box, ` ${box.value}`)));
  return {
    element: group, isGroup: true, isWide: true,
    get: () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      return chosen.length ? chosen : undefined;
    },
    set: (values) => { for (const box of boxes) box.checked = Boolean(values?.includes(box.value)); },
  };
}

function pair(attributes) {
  const inputs = ["start.lowest", "start.highest"].map((key) => h("input", { type: "number", step: "any", "aria-label": t(key), placeholder: t(key) }));
  const group = h("div", { role: "group", class: "pair", id: attributes.id, "aria-describedby": attributes["aria-describedby"] }, inputs);
  return {
    element: group, isGroup: true,
    get: () => (inputs.every((input) => input.value === "") ? undefined : inputs.map((input) => (input.value === "" ? null : Number(input.value)))),
    set: (values) => inputs.forEach((input, index) => { input.value = values?.[index] ?? ""; }),
  };
}

// The fields of a group. All of them empty: the group is left out. Some: the others have their defaults, which they show.
function groupOfNumbers(schema, attributes) {
  const parts = Object.entries(schema.properties).map(([name, property]) => {
    const input = h("input", { type: "number", step: "any", "aria-label": name, title: property.description, placeholder: property.default ?? t("start.automatic") });
    return [name, input];
  });
  const group = h("div", { role: "group", class: "group", id: attributes.id, "aria-describedby": attributes["aria-describedby"] },
    parts.map(([name, input]) => h("label", {}, h("span", { class: "hint" }, name), input)));
  return {
    element: group, isGroup: true, isWide: true,
    get: () => {
      const given = parts.filter(([, input]) => input.value !== "").map(([name, input]) => [name, Number(input.value)]);
      return given.length ? Object.fromEntries(given) : undefined;
    },
    set: (values) => parts.forEach(([name, input]) => { input.value = values?.[name] ?? ""; }),
  };
}

export function fillSelect(element, options, chosen) {
  replace(element, options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)));
}
