// Calls the REST API. The browser adds the cookie of a sign-in. Errors have the service's own messages.

export const needsKey = new EventTarget();

// Where the browser finds a path of the API: beside the page, which may be below a prefix.
export const address = (path) => `.${path}`;

export class ApiError extends Error {
  constructor(status, message, errors) {
    super(message);
    this.status = status;
    this.errors = Array.isArray(errors) ? errors : [];
  }
}

async function refused(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // The answer comes from a proxy, not from the service.
  }
  if (response.status === 401) needsKey.dispatchEvent(new Event("key"));
  return new ApiError(response.status, body?.message ?? `HTTP ${response.status}`, body?.errors);
}

async function call(method, path, body, signal) {
  const options = { method, signal };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(address(path), options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  if (!response.ok) throw await refused(response);
  return response;
}

export async function get(path, { signal } = {}) {
  return (await call("GET", path, undefined, signal)).json();
}

export async function post(path, body = {}) {
  return (await call("POST", path, body)).json();
}

export async function remove(path) {
  return (await call("DELETE", path)).json();
}

// Unlike the address of an <img>, it tells why there is no picture.
export async function blobUrl(path, { signal } = {}) {
  return URL.createObjectURL(await (await call("GET", path, undefined, signal)).blob());
}
