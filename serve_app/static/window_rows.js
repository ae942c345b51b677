// The windows of a recording: where each is in time, and their predictions, which are loaded when they are looked at.

import { get } from "./api.js";

const CHUNK = 1000;
const KEPT_CHUNKS = 20;

export function spectrogramPath(taskId, number, frame) {
  return `/api/v2/inference/${encodeURIComponent(taskId)}/recordings/${number}/spectrogram?frame=${frame}`;
}

export class WindowRows {
  #taskId;
  #recording;
  #life = new AbortController();
  #chunks = new Map();

  constructor(taskId, number, recording) {
    this.#taskId = taskId;
    this.#recording = recording;
    this.number = number;
    this.count = recording.windows;
    const { duration_s, overlap, sample_rate_hz } = recording.stft;
    const samples = halfToEven(duration_s * sample_rate_hz);
    this.length_s = samples / sample_rate_hz;
    this.step_s = Math.max(1, halfToEven(samples * (1 - overlap))) / sample_rate_hz;
  }

  path(frame) {
    return spectrogramPath(this.#taskId, this.number, frame);
  }

  startOf(frame) {
    return frame * this.step_s;
  }

  // The window that begins last before this time.
  frameAt(time_s) {
    return this.#inside(Math.floor(time_s / this.step_s + 1e-6));
  }

  // The first and the last window of a segment. Windows that overlap share their common part equally.
  ofSegment({ start_s, end_s }) {
    const shared_s = (this.length_s - this.step_s) / 2;
    const frame = (time_s) => Math.round((time_s - shared_s) / this.step_s);
    const first = this.#inside(frame(start_s));
    return [first, Math.max(first, this.#inside(frame(end_s) - 1))];
  }

  // The predictions of the windows from `first` to `last`. Windows that could not be read have none.
  async between(first, last) {
    const found = [];
    const { rows } = this.#recording;
    if (!rows) return found;
    // Row i is of window i or of a later one. So the rows are before or at the windows' numbers.
    for (let chunk = Math.floor(Math.min(last, rows - 1) / CHUNK); chunk >= 0; chunk -= 1) {
      const part = await this.#chunk(chunk);
      found.unshift(...part.filter((row) => row.frame >= first && row.frame <= last));
      if (!part.length || part[0].frame <= first) break;
    }
    return found;
  }

  stop() {
    this.#life.abort();
  }

  #inside(frame) {
    return Math.min(this.count - 1, Math.max(0, frame));
  }

  #chunk(index) {
    const known = this.#chunks.get(index);
    this.#chunks.delete(index);
    const found = known ?? this.#load(index);
    this.#chunks.set(index, found);
    if (this.#chunks.size > KEPT_CHUNKS) this.#chunks.delete(this.#chunks.keys().next().value);
    return found;
  }

  async #load(index) {
    const { first_row, rows } = this.#recording;
    const offset = index * CHUNK;
    const query = `offset=${first_row + offset}&limit=${Math.min(CHUNK, rows - offset)}`;
    try {
      return (await get(`/api/v2/inference/${encodeURIComponent(this.#taskId)}/results?${query}`, { signal: this.#life.signal })).predictions;
    } catch (error) {
      this.#chunks.delete(index);
      throw error;
    }
  }
}

// Rounds as Python does, which counted the samples.
function halfToEven(value) {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 ? up - 1 : up;
}
