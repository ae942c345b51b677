// A dialog to browse the folders that the service may use. Returns the chosen path, or null.

import { get } from "./api.js";
import { h, newId, replace } from "./dom.js";
import { bytes, t } from "./words.js";

export function choosePath(first, wants) {
  const titleId = newId("picker");
  const list = h("ul", { class: "entries" });
  const where = h("p", { class: "where" });
  const problem = h("p", { class: "problem", role: "alert" });
  const use = h("button", { type: "button", class: "primary", hidden: wants === "file" }, t("browse.choose"));
  let folder = null;

  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "picker", "aria-labelledby": titleId, onclose: () => {
        resolve(dialog.returnValue || null);
        dialog.remove();
      } },
      h("h2", { id: titleId }, t("browse.title")),
      where,
      problem,
      list,
      h("div", { class: "buttons" },
        h("button", { type: "button", onclick: () => dialog.close("") }, t("browse.cancel")), use),
    );
    use.addEventListener("click", () => dialog.close(folder));
    document.body.append(dialog);
    dialog.showModal();
    open(first || "").catch(() => open("")).then(enterTheOnlyRoot);

    async function open(path) {
      const found = await get(`/api/v2/files?path=${encodeURIComponent(path)}`);
      folder = found.path;
      where.textContent = found.path ?? t("browse.folders");
      use.disabled = folder === null;
      problem.textContent = found.is_complete ? "" : t("browse.more");
      replace(list, up(found), found.entries.map(entry), found.entries.length ? null : h("li", {}, t("browse.empty")));
      list.querySelector("button")?.focus();
    }

    function enterTheOnlyRoot() {
      const roots = list.querySelectorAll("button");
      if (folder === null && roots.length === 1) roots[0].click();
    }

    function go(path) {
      open(path).catch((error) => {
        problem.textContent = error.message || t("error.network");
      });
    }

    function up(found) {
      if (found.path === null) return null;
      return h("li", {}, h("button", { type: "button", class: "up", onclick: () => go(found.parent ?? "") }, `↑ ${t("browse.up")}`));
    }

    function entry(one) {
      if (one.kind === "folder") {
        return h("li", {}, h("button", { type: "button", class: "folder", onclick: () => go(one.path) }, one.name));
      }
      const size = h("span", { class: "size" }, bytes(one.size_bytes));
      if (wants === "folder") return h("li", { class: "file" }, one.name, size);
      return h("li", {}, h("button", { type: "button", class: "file", onclick: () => dialog.close(one.path) }, one.name, size));
    }
  });
}
