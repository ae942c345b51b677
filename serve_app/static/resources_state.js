// The devices, their use and limits, and the CPU. Asks every few seconds while the page is visible.

import { get } from "./api.js";

const ASK_EVERY_MS = 2500;

class Resources extends EventTarget {
  devices = null;
  cpu = null;
  #timer = null;

  start() {
    this.#timer ??= setInterval(() => document.hidden || this.ask(), ASK_EVERY_MS);
    return this.ask();
  }

  async ask() {
    try {
      [this.devices, this.cpu] = await Promise.all([get("/api/v2/resources"), get("/api/v2/resources/cpu")]);
      this.dispatchEvent(new Event("change"));
    } catch {
      // The connection panel shows it. The next call may succeed.
    }
  }
}

export const resources = new Resources();
