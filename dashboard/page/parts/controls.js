/** What can be chosen: it stands in the address, so that a link shows the same. */

import { h } from "../dom.js";

export const RANGES = ["1h", "6h", "24h"];

/** A list to choose from. options: [[value, title], …] */
export function select(title, options, value, onchange) {
  const list = h("select", { onchange: () => onchange(list.value) }, options.map(([one, words]) => h("option", { value: one, selected: one === value }, words)));
  return h("label", {}, title, list);
}

/** A few values side by side, of which one is pressed. */
export function segmented(title, values, value, onchange) {
  const buttons = values.map((one) => h("button", { type: "button", "aria-pressed": String(one === value), onclick: () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === one));
    onchange(one);
  } }, one));
  return h("div", { class: "segmented", role: "group", "aria-label": title }, buttons);
}
