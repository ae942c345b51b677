// A task's log, live, with a level filter and search. Lines far from view are not laid out, so that many stay smooth.

import { h, setText } from "./dom.js";
import { follow } from "./stream.js";
import { number, t } from "./words.js";

const LEVELS = { all: ["INFO", "WARNING", "ERROR"], warnings: ["WARNING", "ERROR"], errors: ["ERROR"] };
// So near to its end a log is followed.
const NEAR_PX = 40;

// `onEntry` is called for every entry, those of the past too.
export function logView(taskId, { onEntry = () => {} } = {}) {
  const lines = h("div", { class: "log", role: "log", tabindex: "0", "aria-label": t("log") });
  const level = h("select", { "aria-label": t("log.level"), onchange: filter },
    Object.keys(LEVELS).map((name) => h("option", { value: name }, t(`log.${name}`))));
  const search = h("input", { type: "search", placeholder: t("log.search"), "aria-label": t("log.search"), oninput: filter });
  const following = h("input", { type: "checkbox", checked: true, onchange: () => { if (following.checked) toEnd(); } });
  const count = h("span", { class: "hint" });
  const state = h("p", { class: "problem", role: "status" });
  const element = h("div", { class: "log-view" },
    h("div", { class: "filters" }, level, search, h("label", {}, following, ` ${t("log.follow")}`), count), lines, state);
  let waiting = [];
  let all = 0;
  let shown = 0;
  let isDue = false;

  const stop = follow(`/api/v2/tasks/${encodeURIComponent(taskId)}/logs`, {
    resumes: true,
    isLast: (entry) => entry.stage === "completed" && "status" in entry,
    onEvent: (_, entry) => {
      waiting.push(entry);
      onEntry(entry);
      if (!isDue) {
        isDue = true;
        requestAnimationFrame(add);
      }
    },
    onState: (now) => setText(state, now === "lost" ? t("log.lost") : ""),
  });
  lines.addEventListener("scroll", () => {
    following.checked = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PX;
  });

  function add() {
    isDue = false;
    const added = document.createDocumentFragment();
    for (const entry of waiting) {
      const line = h("p", { class: entry.level.toLowerCase() },
        h("time", { datetime: entry.timestamp }, clock(entry.timestamp)), h("b", {}, entry.level), h("span", {}, entry.message));
      line.hidden = !matches(entry.level, entry.message);
      if (!line.hidden) shown += 1;
      added.append(line);
    }
    all += waiting.length;
    waiting = [];
    lines.append(added);
    tell();
    if (following.checked) toEnd();
  }

  function filter() {
    shown = 0;
    for (const line of lines.children) {
      line.hidden = !matches(line.children[1].textContent, line.children[2].textContent);
      if (!line.hidden) shown += 1;
    }
    tell();
    if (following.checked) toEnd();
  }

  function matches(entryLevel, message) {
    return LEVELS[level.value].includes(entryLevel) && message.toLowerCase().includes(search.value.trim().toLowerCase());
  }

  function tell() {
    setText(count, t("log.lines", { shown: number(shown), all: number(all) }));
  }

  function toEnd() {
    lines.scrollTop = lines.scrollHeight;
  }

  return { element, stop };
}

const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour12: false });
