/** A version's main numbers in few words. */

import { h, svg } from "../dom.js";
import { isNumber, percent } from "../format.js";

export const STATES = { degraded: "Degraded", no_labels: "No labels", no_traffic: "No traffic", healthy: "Healthy" };

/** Metrics that a task is known by, the main one first. */
export const METRICS = {
  binary: ["accuracy", "f1", "auc", "precision", "recall", "specificity", "average_precision", "log_loss", "brier", "ece"],
  multiclass: ["accuracy", "f1_macro", "precision_macro", "recall_macro", "recall_weighted", "auc", "log_loss",
    "top_2_accuracy"],
  regression: ["rmse", "mae", "r2", "bias", "mape", "error_p50", "error_p95"],
};

export function metricsOf(task) {
  return METRICS[task] ?? METRICS.binary;
}

/** The record to be told: the shortest rolling span that has labels, else the newest window with the usual number of them. */
export function told(item) {
  return item.spans.find((span) => span.labelled) ?? item.settled_window ?? item.labelled_window ?? item.window ?? item.spans[0] ?? null;
}

export function state(item) {
  return h("span", { class: `state ${item.state}` }, STATES[item.state]);
}

/** A share as a bar and a number. */
export function bar(share) {
  const width = isNumber(share) ? Math.min(Math.max(share, 0), 1) * 72 : 0;
  return h("span", {}, h("span", { class: "bar", "aria-hidden": "true" },
    svg("svg", { viewBox: "0 0 72 7", width: "100%", height: "100%", preserveAspectRatio: "none" },
      svg("rect", { width, height: 7, rx: 3 }))), percent(share));
}

/** A line of the newest values; gaps where there are none. */
export function sparkline(values, name) {
  const known = values.filter(isNumber);
  if (known.length < 2) return h("span", { class: "quiet" }, "–");
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (i) => (i / (values.length - 1)) * 124 + 2;
  const y = (value) => (high === low ? 15 : 28 - ((value - low) / (high - low)) * 26);
  const path = values.map((value, i) => (isNumber(value)
    ? `${isNumber(values[i - 1]) ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}` : "")).join("");
  const last = values.findLastIndex(isNumber);
  const words = `${name}, last ${values.length} windows: between ${low.toPrecision(3)} and ${high.toPrecision(3)}`;
  return svg("svg", { class: "sparkline", viewBox: "0 0 128 30", role: "img", "aria-label": words },
    svg("title", {}, words), svg("path", { d: path }), svg("circle", { cx: x(last), cy: y(values[last]), r: 2.2 }));
}
