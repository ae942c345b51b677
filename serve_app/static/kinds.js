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
    found[kind] = { path, schema: inlined(components.schemas[reference.split("/").pop()], components.schemas) };
  }
  return found;
}

// A field that is a group of fields refers to another schema.
function inlined(schema, schemas) {
  const properties = Object.entries(schema.properties).map(([name, property]) => {
    const reference = property.anyOf?.find((one) => one.$ref)?.$ref;
    return [name, reference ? { ...schemas[reference.split("/").pop()], description: property.description, default: property.default } : property];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
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
