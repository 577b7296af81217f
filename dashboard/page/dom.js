/** Elements made by calls. Text only ever becomes text: nothing here reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. Attributes: functions `onclick` listen, true and false set and leave out, null leaves out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, by the same rules. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Put other children into an element. */
export function replace(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** A table with its caption. columns: [{title, cell(row), number?, header?}]; `header` names the row. */
export function table(caption, columns, rows, attributes = {}) {
  const head = columns.map((one) => h("th", { scope: "col", class: one.number ? "number" : null }, one.title));
  const body = rows.map((row) =>
    h("tr", {}, columns.map((one) => (one.header
      ? h("th", { scope: "row" }, one.cell(row))
      : h("td", { class: one.number ? "number" : null, "data-title": one.title }, one.cell(row)))))
  );
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, ...attributes },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

/** What stands where there is nothing to show: what is missing, and what to do. */
export function empty(title, ...what) {
  return h("div", { class: "empty" }, h("h2", {}, title), what.map((one) => h("p", {}, one)));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false);
}
