// Creates elements in one expression: h("p", {class: "note"}, "text", h("b", {}, "more")).

const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "open", "hidden", "readOnly", "indeterminate"]);

export function h(tag, options = {}, ...children) {
  return fill(document.createElement(tag), options, children);
}

export function svg(tag, options = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), options, children);
}

function fill(element, options, children) {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Does not touch children that are already in place, so that they keep focus and selection.
export function arrange(element, children) {
  const wanted = new Set(children);
  for (const child of [...element.children]) if (!wanted.has(child)) child.remove();
  let next = element.firstElementChild;
  for (const child of children) {
    if (child === next) next = next.nextElementSibling;
    else element.insertBefore(child, next);
  }
}

// Does not write the same text again: screen readers would repeat it, and the selection would be lost.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let numbers = 0;
export function newId(stem) {
  numbers += 1;
  return `${stem}-${numbers}`;
}
