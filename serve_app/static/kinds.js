// The kinds of tasks, from the API's description: the routes with "x-task-kind" start a task of that kind.

import { get } from "./api.js";

const ASK_AGAIN_MS = 2500;
let kinds = null;

// Returns {kind: {path, schema}}, in the order of the API: the route that starts the kind, and its request's JSON schema.
export function taskKinds() {
  kinds ??= read();
  return kinds;
}

async function read() {
  const { paths, components } = await description();
  const found = {};
  for (const [path, { post }] of Object.entries(paths)) {
    const kind = post?.["x-task-kind"];
    if (!kind) continue;
    const reference = post.requestBody.content["application/json"].schema.$ref;
    found[kind] = { path, schema: components.schemas[reference.split("/").pop()] };
  }
  return found;
}

async function description() {
  for (;;) {
    try {
      return await get("/openapi.json");
    } catch {
      // The connection panel shows it.
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}
