/** What the views of a model begin with: which version, which span, how far back. */

import { empty, h } from "./dom.js";
import { select } from "./parts/controls.js";

/** {item, items}: the versions of the model, and the one that is chosen; null where nothing is held of the model. */
export async function version(context) {
  const { items } = await context.api.list("models", {}, context.signal);
  const mine = items.filter((one) => one.model === context.model);
  const wanted = context.query.get("version");
  const item = mine.find((one) => one.model_version === wanted) ?? [...mine].sort(newestFirst)[0];
  return item === undefined ? null : { item, items: mine };
}

/** The title of a view and its choices. */
export function heading(context, title, ...choices) {
  return h("div", { class: "heading" }, h("h1", {}, title), h("div", { class: "choices" }, choices));
}

/** A choice that stands in the address: choosing loads the view anew. values: texts, or [value, text] pairs. */
export function choice(context, title, name, values, chosen) {
  const options = values.map((one) => (Array.isArray(one) ? one : [one, one]));
  return select(title, options, chosen, (value) => context.setQuery({ [name]: value }));
}

/** The choice of a version. */
export function versionChoice(context, { item, items }) {
  return choice(context, "Version", "version", items.map((one) => one.model_version), item.model_version);
}

/** What stands where nothing is held of a model. */
export function noModel(context) {
  return empty(`Nothing is held of ${context.model}`,
    "No metric record of it was read. Does a worker run, and do predictions come in?",
    h("a", { href: context.link("/pipeline") }, "Look at the pipeline"));
}

function newestFirst(one, other) {
  const ends = [other, one].map((each) => each.window?.window_end ?? "");
  return ends[0].localeCompare(ends[1]) || (other.window?.total ?? 0) - (one.window?.total ?? 0);
}
