/** The newest numbers of a version, each with its interval. */

import { h, replace } from "../dom.js";
import { count, duration, isInterval, metricTitle, number, percent, range, rate, time } from "../format.js";
import { metricsOf, told } from "./glance.js";

const SHOWN = 5;

export function headline() {
  const root = h("section", { "aria-label": "Newest numbers" });
  return { root, show(item) {
    const one = told(item);
    if (!one) return void replace(root);
    const label = one.label_latency_seconds;
    replace(root, h("p", { class: "quiet small" }, `Over the ${one.span} until ${time(one.window_end)}, ${count(one.labelled)} of ${count(one.total)} predictions labelled`),
      h("dl", { class: "numbers" },
        metricsOf(item.task).slice(0, SHOWN).map((name) => entry(metricTitle(name), number(one.metrics[name]),
          isInterval(one.intervals[name]) ? `95 %: ${range(one.intervals[name])}` : "")),
        entry("labels", percent(one.label_coverage), one.maturity === null ? "" : `${percent(one.maturity)} of those due`),
        entry("label delay", duration(label?.p50), label ? `p95 ${duration(label.p95)}` : ""),
        entry("throughput", rate(item.window?.throughput_per_second), item.window ? `at ${time(item.window.window_end)}` : "")));
  } };
}

function entry(title, value, below) {
  return h("div", {}, h("dt", {}, title), h("dd", { "data-number": title }, value, h("small", {}, below || "\u00a0")));
}
