// Server-sent events over fetch, which unlike EventSource can send a key. It connects again by itself.

import { headers, needsKey } from "./api.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
// The service sends a comment every 15 s: after so much silence the connection is dead.
const SILENCE_MS = 40000;

// onEvent(name, data) is called for each event, onState("open" | "lost" | "ended") for the connection.
// With `resumes`, a new connection goes on behind the last event; isLast(data) says which event is the last of all.
// A stream that resumes is one of a log, which ends with its task; 404 for any other means a service that is starting.
export function follow(path, { onEvent, onState = () => {}, resumes = false, isLast = () => false }) {
  let stopped = false;
  let abort = new AbortController();
  let lastId = null;
  let wait = FIRST_RETRY_MS;

  async function once() {
    abort = new AbortController();
    const more = { Accept: "text/event-stream" };
    if (resumes && lastId !== null) more["Last-Event-ID"] = lastId;
    const response = await fetch(path, { headers: headers(more), signal: abort.signal });
    if (response.status === 401) needsKey.dispatchEvent(new Event("key"));
    if (resumes && (response.status === 204 || response.status === 404)) return "ended";
    if (!response.ok) return "lost";
    onState("open");
    wait = FIRST_RETRY_MS;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silence = setTimeout(() => abort.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      clearTimeout(silence);
      if (done) return "lost";
      const blocks = (text + value).split("\n\n");
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
    while (!stopped) {
      let state = "lost";
      try {
        state = await once();
      } catch {
        // The service is away; it is tried again.
      }
      abort.abort();
      if (stopped) return;
      onState(state);
      if (state === "ended") return;
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(2 * wait, LONGEST_RETRY_MS);
    }
  }

  loop();
  return () => {
    stopped = true;
    abort.abort();
  };
}

function parse(block) {
  const event = { name: "message", id: null, data: null };
  for (const line of block.split("\n")) {
    if (line.startsWith("data: ")) event.data = (event.data === null ? "" : `${event.data}\n`) + line.slice(6);
    else if (line.startsWith("id: ")) event.id = line.slice(4);
    else if (line.startsWith("event: ")) event.name = line.slice(7);
  }
  return event;
}
