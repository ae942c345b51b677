// All tasks, from the service's event stream. Panels listen for "change" and "connection".

import { placesOf } from "./queue.js";
import { follow } from "./stream.js";

class Tasks extends EventTarget {
  #tasks = new Map();
  #numbers = new Map();
  #places = null;
  connection = "connecting";

  start() {
    follow("/api/v2/events", {
      onEvent: (name, { tasks, numbers, deleted }) => {
        if (name === "tasks") this.#clear();
        tasks.forEach((task, index) => {
          this.#tasks.set(task.task_id, task);
          this.#numbers.set(task.task_id, numbers[index]);
        });
        for (const id of deleted) this.#forget(id);
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

  // A task's position in the queue, from 1; undefined for a task that does not wait.
  place(id) {
    this.#places ??= placesOf(this.all(), this.#numbers);
    return this.#places.get(id);
  }

  // Stores the task from an API response, before the stream reports it.
  put(task) {
    const known = this.#tasks.get(task.task_id);
    if (known && known.updated_at > task.updated_at) return; // The stream has already reported a newer state.
    this.#tasks.set(task.task_id, task);
    this.#tell();
  }

  drop(id) {
    this.#forget(id);
    this.#tell();
  }

  #clear() {
    this.#tasks.clear();
    this.#numbers.clear();
  }

  #forget(id) {
    this.#tasks.delete(id);
    this.#numbers.delete(id);
  }

  #tell() {
    this.#places = null;
    this.dispatchEvent(new Event("change"));
  }
}

export const tasks = new Tasks();

export const isLive = (task) => task.status === "pending" || task.status === "running";
