/** Every model and version as it stands now. */

import { empty, h, replace } from "../dom.js";

export const view = { name: "overview", title: "Overview", path: "/" };

export async function show(root, context) {
  const { items } = await context.api.list("models", {}, context.signal);
  replace(root, h("h1", {}, "Overview"), items.length ? items.map((one) => h("p", {}, one.model)) : empty("No model yet"));
  return {};
}
