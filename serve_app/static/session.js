// Who is signed in, and what that key may do. The cookie of a sign-in is out of reach of scripts.

import { get, post, remove } from "./api.js";
import { t } from "./words.js";

const SCOPES = ["read", "write", "admin"];
const PATH = "/api/v1/session";

// Until the service has answered, nothing is disabled: it refuses by itself what a key may not do.
export const session = { name: null, scope: "admin" };

export async function beginSession() {
  localStorage.removeItem("rfuav.key"); // Earlier versions kept the key there.
  try {
    Object.assign(session, await get(PATH));
  } catch {
    // Without a sign-in the page asks for a key. The connection panel shows other troubles.
  }
}

export async function signIn(key) {
  Object.assign(session, await post(PATH, { key }));
}

export async function signOut() {
  try {
    await remove(PATH);
  } catch (error) {
    if (error.status !== 401) throw error; // 401: it was over already.
  }
  location.reload();
}

export function may(scope) {
  return SCOPES.indexOf(session.scope) >= SCOPES.indexOf(scope);
}

// Why this key may not do it; "" if it may.
export function refusal(scope) {
  return may(scope) ? "" : t("key.notAllowed", { name: session.name, scope: session.scope, needed: scope });
}

// Disables a control that the key may not use. Its tooltip says why.
export function guard(control, scope) {
  if (may(scope)) return control;
  control.disabled = true;
  control.title = refusal(scope);
  return control;
}
