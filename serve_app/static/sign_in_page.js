// The page that takes the place of the documentation until somebody has signed in.

import { get } from "./api.js";
import { h, replace } from "./dom.js";
import { goOn, signInForm } from "./sign_in.js";
import { language, t } from "./words.js";

document.documentElement.lang = language;
try {
  await get("/api/v1/session");
  goOn(); // A link of another site led here: then the browser has kept the cookie back.
} catch {
  replace(document.getElementById("main"), h("section", { class: "panel sign-in" }, h("h1", {}, t("key.title")), h("p", {}, t("key.text")), signInForm()));
}
