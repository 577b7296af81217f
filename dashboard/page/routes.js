/** Every view of the page; the order is that of the navigation. dashboard/pages.py serves their paths. */

import * as overview from "./views/overview.js";
import * as model from "./views/model.js";
import * as segments from "./views/segments.js";
import * as drift from "./views/drift.js";
import * as quality from "./views/quality.js";
import * as service from "./views/service.js";
import * as alerts from "./views/alerts.js";
import * as pipeline from "./views/pipeline.js";

export const VIEWS = [overview, model, segments, drift, quality, service, alerts, pipeline];

/** {module, model} of a path below the base, or null. */
export function match(path) {
  const parts = path.split("/").filter(Boolean);
  for (const module of VIEWS) {
    const pattern = module.view.path.split("/").filter(Boolean);
    const fits = pattern.length === parts.length && pattern.every((one, i) => one === "{model}" || one === parts[i]);
    if (fits) return { module, model: pattern[1] === "{model}" ? decodeURIComponent(parts[1]) : null };
  }
  return null;
}

/** The path of a view, for a model where it is about one. */
export function pathOf(view, model) {
  return view.path.replace("{model}", () => encodeURIComponent(model ?? ""));
}
