// All tasks, as the service's one event stream tells of them. Panels listen for "change" and "connection".

import { follow } from "./stream.js";

class Tasks extends EventTarget {
  #tasks = new Map();
  connection = "connecting";

  start() {
    follow("/api/v2/events", {
      onEvent: (name, { tasks, deleted }) => {
        if (name === "tasks") this.#tasks.clear();
        for (const task of tasks) this.#tasks.set(task.task_id, task);
        for (const id of deleted) this.#tasks.delete(id);
        this.#tell();
      },
      onState: (state) => {
        this.connection = state;
        this.dispatchEvent(new Event("connection"));
      },
    });
  }

  get(id) {
    return this.#tasks.get(id);
  }

  all() {
    return [...this.#tasks.values()];
  }

  // What an answer to a call said, before the stream says it too.
  put(task) {
    const known = this.#tasks.get(task.task_id);
    if (known && known.updated_at > task.updated_at) return; // the stream was faster
    this.#tasks.set(task.task_id, task);
    this.#tell();
  }

  drop(id) {
    this.#tasks.delete(id);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

export const tasks = new Tasks();

export const isLive = (task) => task.status === "pending" || task.status === "running";
