// What an inference says: first about recordings, then about images.

import { h, replace } from "./dom.js";
import { predictionsView } from "./predictions_view.js";
import { recordingsView } from "./recordings_view.js";

export function inferenceView(taskId, request) {
  const predictions = predictionsView(taskId, request);
  const element = h("div", { class: "views" }, predictions.element);
  let recordings = null;
  let isLoaded = false;
  let isOver = false;

  async function load(result) {
    if (isLoaded) return;
    isLoaded = true;
    try {
      if (!result?.recordings) {
        await predictions.load();
        return;
      }
      recordings = recordingsView(taskId, result);
      // Without images, the views of the recordings show everything.
      replace(element, recordings.element, result.images ? predictions.element : null);
      const spans = await recordings.load();
      if (result.images) await predictions.load(spans);
    } catch (error) {
      if (!isOver) throw error;
    }
  }

  return { element, load, stop: () => {
    isOver = true;
    recordings?.stop();
    predictions.stop();
  } };
}
