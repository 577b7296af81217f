/** One version of a model: what its labels say over time, and how far they can be trusted. */

import { draw, figure } from "../charts.js";
import { h, replace } from "../dom.js";

export const view = { name: "model", title: "Performance", path: "/models/{model}" };

export async function show(root, context) {
  const { items } = await context.api.list("metrics", { model: context.model, span: "60s", fields: "metrics" }, context.signal);
  const one = figure("Accuracy");
  replace(root, h("h1", {}, context.model), one.root);
  draw(one.chart, [{ x: items.map((r) => r.window_end), y: items.map((r) => r.metrics.accuracy) }], { description: "x" });
  return {};
}
