/** Light, dark, or as the system says. */

import { redraw } from "./charts.js";
import { h } from "./dom.js";

const KEY = "hindcast-theme";

export function themeSwitch() {
  const chosen = localStorage.getItem(KEY) ?? "auto";
  const options = [["auto", "System"], ["light", "Light"], ["dark", "Dark"]];
  const select = h("select", { id: "theme-choice", onchange: () => choose(select.value) },
    options.map(([value, title]) => h("option", { value, selected: value === chosen }, title)));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return [h("label", { for: "theme-choice", class: "unseen" }, "Colours"), select].reduce(
    (all, one) => (all.append(one), all), document.createDocumentFragment());
}

function choose(theme) {
  localStorage.setItem(KEY, theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  redraw();
}
