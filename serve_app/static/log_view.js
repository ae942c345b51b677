// A task's log, live, with a level filter and search.

import { h, setText } from "./dom.js";
import { LogLines } from "./log_lines.js";
import { follow } from "./stream.js";
import { number, t } from "./words.js";

const LEVELS = { all: ["INFO", "WARNING", "ERROR"], warnings: ["WARNING", "ERROR"], errors: ["ERROR"] };
// A log scrolled this near to its end follows new lines.
const NEAR_PX = 40;

// `onEntry` is called for every entry, including past entries.
export function logView(taskId, { onEntry = () => {} } = {}) {
  const lines = new LogLines(stayAtEnd);
  const level = h("select", { "aria-label": t("log.level"), onchange: filter },
    Object.keys(LEVELS).map((name) => h("option", { value: name }, t(`log.${name}`))));
  const search = h("input", { type: "search", placeholder: t("log.search"), "aria-label": t("log.search"), oninput: filter });
  const following = h("input", { type: "checkbox", checked: true, onchange: () => {
    followed(following.checked);
    stayAtEnd();
  } });
  const count = h("span", { class: "hint" });
  const state = h("p", { class: "problem", role: "status" });
  const element = h("div", { class: "log-view" },
    h("div", { class: "filters" }, level, search, h("label", {}, following, ` ${t("log.follow")}`), count), lines.element, state);
  const all = [];
  let drawn = 0;
  let shown = 0;
  let isDue = false;

  const stop = follow(`/api/v2/tasks/${encodeURIComponent(taskId)}/logs`, {
    resumes: true,
    isLast: (entry) => entry.stage === "completed" && "status" in entry,
    onEvent: (_, entry) => {
      all.push(entry);
      onEntry(entry);
      if (!isDue) {
        isDue = true;
        requestAnimationFrame(draw);
      }
    },
    onState: (now) => setText(state, now === "lost" ? t("log.lost") : ""),
  });
  lines.element.addEventListener("scroll", () => {
    const { scrollHeight, scrollTop, clientHeight } = lines.element;
    followed(scrollHeight - scrollTop - clientHeight < NEAR_PX);
  });

  function draw() {
    isDue = false;
    const matching = all.slice(drawn).filter(matches);
    drawn = all.length;
    shown += matching.length;
    lines.append(matching);
    setText(count, t("log.lines", { shown: number(shown), all: number(all.length) }));
    stayAtEnd();
  }

  function filter() {
    drawn = 0;
    shown = 0;
    lines.clear();
    draw();
  }

  // Shows only the lines of a level, and brings them into view. Keyboard and screen readers go on there.
  function showLevel(name) {
    level.value = name;
    filter();
    element.scrollIntoView({ block: "nearest" });
    lines.element.focus({ preventScroll: true });
  }

  function matches(entry) {
    return LEVELS[level.value].includes(entry.level) && entry.message.toLowerCase().includes(search.value.trim().toLowerCase());
  }

  function followed(isFollowed) {
    following.checked = isFollowed;
    // Screen readers must not read lines that appear only because the user scrolls.
    lines.element.setAttribute("aria-live", isFollowed ? "polite" : "off");
  }

  function stayAtEnd() {
    if (following.checked) lines.toEnd();
  }

  return { element, showLevel, stop: () => {
    stop();
    lines.stop();
  } };
}
