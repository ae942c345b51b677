// One recording: its verdict, a timeline of its segments, a strip of its windows, and a gallery of their spectrograms.

import { verdictText } from "./answer_text.js";
import { h, setText } from "./dom.js";
import { Gallery } from "./gallery.js";
import { failed } from "./notes.js";
import { Timeline } from "./timeline.js";
import { windowDialog } from "./window_dialog.js";
import { WindowRows } from "./window_rows.js";
import { WindowStrip } from "./window_strip.js";
import { number, percent, t } from "./words.js";

const ZOOM = 4;
const FEWEST_WINDOWS = 10;
// A choice of a segment or window leaves this much room beside the edge of the timeline.
const ROOM = 0.1;

export function recordingView(taskId, numberOf, recording, colors) {
  const { segments, duration_s } = recording;
  const windows = new WindowRows(taskId, numberOf, recording);
  const smallest_s = Math.min(duration_s, FEWEST_WINDOWS * windows.step_s);
  const title = h("h2", { tabindex: "-1" }, recording.file);
  const about = h("h3", { "aria-live": "polite" });
  const values = h("p", { class: "values", "aria-live": "polite" });
  const timeline = new Timeline({ segments, colors, onSelect: select, onZoom: (from, to) => look(from, to), onValues: tell });
  const strip = new WindowStrip({ windows, colors, onOpen: open, onReach: reach, onValues: tell });
  const gallery = new Gallery({ windows, onOpen: open });
  const whole = h("button", { type: "button", onclick: () => {
    look(0, duration_s);
    select(null);
  } }, t("recording.whole"));
  const zoom = Object.fromEntries([["in", () => scale(1 / ZOOM)], ["out", () => scale(ZOOM)], ["earlier", () => move(-0.5)], ["later", () => move(0.5)]]
    .map(([name, onclick]) => [name, h("button", { type: "button", onclick }, t(`timeline.${name}`))]));
  const names = [...new Set(segments.map((one) => one.class_name))].sort();
  const entry = (className, text) => h("li", {}, h("span", { class: `swatch ${className}` }), text);
  const canBeUnknown = typeof recording.verdict?.unknown === "boolean";
  const legend = h("ul", { class: "classes" }, names.map((name) => entry(colors(name), name)),
    canBeUnknown ? entry("is-unknown", t("recording.unknown")) : null, entry("", t(canBeUnknown ? "recording.gap" : "answers.nothing")));
  const element = h("section", { class: "panel recording", "aria-label": t("recording") },
    h("div", { class: "title" }, title, h("p", {}, verdictText(recording), recording.verdict ? ` ${percent(100 * recording.verdict.probability)}` : null)),
    h("p", { class: "hint" }, facts(recording)),
    h("div", { class: "tracks" }, timeline.element, strip.element), values, legend,
    h("div", { class: "buttons" }, Object.values(zoom), whole), about, gallery.element);
  let view = { from: 0, to: duration_s };
  let dialog = null;

  const observer = new ResizeObserver(draw);
  observer.observe(timeline.element);
  look(0, duration_s);
  select(null);

  function look(from, to) {
    const length = Math.min(duration_s, Math.max(smallest_s, to - from));
    const start = Math.max(0, Math.min(duration_s - length, (from + to - length) / 2));
    view = { from: start, to: start + length };
    const isWhole = length >= duration_s;
    zoom.in.disabled = length <= smallest_s;
    zoom.out.disabled = zoom.earlier.disabled = zoom.later.disabled = isWhole;
    if (!isWhole) {
      zoom.earlier.disabled = start <= 0;
      zoom.later.disabled = view.to >= duration_s - 1e-9;
    }
    draw();
  }

  function draw() {
    timeline.show(view);
    strip.show(view).catch(tellFailed);
  }

  // About the window under the cursor, if it is in sight.
  function scale(by) {
    const cursor = windows.startOf(strip.cursor);
    const middle = cursor >= view.from && cursor <= view.to ? cursor : (view.from + view.to) / 2;
    const half = ((view.to - view.from) * by) / 2;
    look(middle - half, middle + half);
  }

  function move(by) {
    const step = by * (view.to - view.from);
    look(view.from + step, view.to + step);
  }

  function reach(frame) {
    const time = windows.startOf(frame);
    const length = view.to - view.from;
    if (time < view.from) look(time - ROOM * length, time + (1 - ROOM) * length);
    else if (time + windows.step_s > view.to) look(time - (1 - ROOM) * length, time + ROOM * length);
  }

  function select(index) {
    const segment = segments[index];
    timeline.mark(index);
    setText(about, segment ? t("recording.segment", { text: timeline.textOf(index) }) : t("recording.windows"));
    const [first, last] = segment ? windows.ofSegment(segment) : [0, windows.count - 1];
    if (segment) strip.go(first);
    gallery.show(first, last).catch(tellFailed);
  }

  function open(frame) {
    dialog?.close();
    dialog = windowDialog(windows, frame, recording.file, (now) => strip.go(now));
  }

  function tell(text) {
    setText(values, text);
  }

  function tellFailed(error) {
    if (error.name !== "AbortError") failed(error);
  }

  return { element, focus: () => title.focus(), stop: () => {
    observer.disconnect();
    windows.stop();
    gallery.stop();
    dialog?.close();
  } };
}

function facts(recording) {
  const rate = t("recording.rate", { n: number(recording.sample_rate_hz / 1e6, 3) });
  return [t("seconds", { n: number(recording.duration_s, 3) }), rate,
    recording.center_frequency_hz === null ? null : t("recording.center", { n: number(recording.center_frequency_hz / 1e6, 3) }),
    t("recording.count", { n: number(recording.windows) }),
    recording.empty_windows ? t("recording.empty", { n: number(recording.empty_windows) }) : null,
    recording.failed_windows ? t("recording.failed", { n: number(recording.failed_windows) }) : null,
    recording.real_time_factor === null ? null : t("recording.speed", { n: number(recording.real_time_factor, 1) }),
  ].filter(Boolean).join(" · ");
}
