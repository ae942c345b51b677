// The devices, their use and limits, and the CPU: asked for every few seconds while somebody looks.

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
      // The connection panel says it; the next call may work.
    }
  }
}

export const resources = new Resources();
