// The page's texts in the chosen language. t("tasks.position", {n: 3}) replaces {n} by 3.

import { chineseHints } from "./hints_zh.js";
import { english } from "./words_en.js";
import { chinese } from "./words_zh.js";

const CHOSEN = "rfuav.language";
const ALL = { en: english, zh: { ...chinese, ...chineseHints } };

export const language = localStorage.getItem(CHOSEN) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export function choose(other) {
  localStorage.setItem(CHOSEN, other);
  location.reload();
}

export function t(key, values = {}) {
  const text = ALL[language]?.[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// Translates a word of the service, such as a status. A word without a translation stays as it is.
export function word(group, name) {
  const key = `${group}.${name}`;
  return ALL[language]?.[key] ?? english[key] ?? name;
}

// Describes a field of a form. `text` is the English description from the API.
export function hint(kind, field, text) {
  return text && (ALL[language]?.[`hint.${kind}.${field}`] ?? ALL[language]?.[`hint.${field}`] ?? text);
}

// Kept, because creating a format takes as long as using it a hundred times.
const numberFormats = new Map();

export function number(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  if (!numberFormats.has(digits)) numberFormats.set(digits, new Intl.NumberFormat(language, { maximumFractionDigits: digits }));
  return numberFormats.get(digits).format(value);
}

export const percent = (value) => (value === null || value === undefined ? "–" : `${number(value, 1)} %`);

const moment = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" });
const ofDay = new Intl.DateTimeFormat(language, { timeStyle: "medium", hourCycle: "h23" });

export const time = (iso) => (iso ? moment.format(new Date(iso)) : "–");

export const clock = (iso) => ofDay.format(new Date(iso));

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = count ? Math.min(units.length - 1, Math.floor(Math.log10(count) / 3)) : 0;
  return `${number(count / 1000 ** power, power ? 1 : 0)} ${units[power]}`;
}
