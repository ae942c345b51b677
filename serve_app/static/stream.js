// Server-sent events over fetch, because EventSource does not tell why it failed. Reconnects automatically.
// A browser shares 6 connections to a service among all its tabs. A hidden tab therefore closes its stream, and connects
// again when it becomes visible.

import { address, needsKey } from "./api.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
// The service sends a comment every 15 s. After this much silence the connection is dead.
const SILENCE_MS = 40000;

// onEvent(name, data) is called for each event, onState("connecting" | "open" | "lost" | "ended") for the connection.
// With `resumes`, a new connection resumes after the last event. isLast(data) recognizes the last event of a stream.
// Only log streams use `resumes`. They end with their task, so 204 or 404 means the end. Other streams connect again after
// a 404, because the service may be starting.
export function follow(path, { onEvent, onState = () => {}, resumes = false, isLast = () => false }) {
  const life = new AbortController();
  let wasHidden = false;
  let abort = new AbortController();
  let lastId = null;
  let wait = FIRST_RETRY_MS;

  async function once() {
    const mine = new AbortController();
    abort = mine;
    const headers = { Accept: "text/event-stream" };
    if (resumes && lastId !== null) headers["Last-Event-ID"] = lastId;
    const response = await fetch(address(path), { headers, signal: mine.signal });
    if (response.status === 401) needsKey.dispatchEvent(new Event("key"));
    if (resumes && (response.status === 204 || response.status === 404)) return "ended";
    if (!response.ok) return "lost";
    onState("open");
    wait = FIRST_RETRY_MS;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silence = setTimeout(() => mine.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      clearTimeout(silence);
      if (done) return "lost";
      text += value;
      if (!value.includes("\n")) continue; // Part of a long event, without a line end: do not search the text again.
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event.data === null) continue;
        if (event.id !== null) lastId = event.id;
        const data = JSON.parse(event.data);
        onEvent(event.name, data);
        if (isLast(data)) return "ended";
      }
    }
  }

  async function loop() {
    while (!life.signal.aborted) {
      if (document.hidden) {
        onState("connecting");
        await change();
        continue;
      }
      wasHidden = false;
      let state = "lost";
      try {
        state = await once();
      } catch {
        // The service is not available. Try again.
      }
      abort.abort();
      if (life.signal.aborted) return;
      if (wasHidden && state !== "ended") continue;
      onState(state);
      if (state === "ended") break;
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(2 * wait, LONGEST_RETRY_MS);
    }
    life.abort();
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return;
    wasHidden = true;
    abort.abort();
  }, { signal: life.signal });
  loop();
  return () => {
    life.abort();
    abort.abort();
  };
}

const change = () => new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));

function parse(block) {
  const event = { name: "message", id: null, data: null };
  for (const line of block.split("\n")) {
    if (line.startsWith("data: ")) event.data = (event.data === null ? "" : `${event.data}\n`) + line.slice(6);
    else if (line.startsWith("id: ")) event.id = line.slice(4);
    else if (line.startsWith("event: ")) event.name = line.slice(7);
  }
  return event;
}
