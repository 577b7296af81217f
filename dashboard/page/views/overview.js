/** Every model and version as it stands now. */

import { empty, h, replace, table } from "../dom.js";
import { ago, count, duration, interval, metricTitle, number, percent, rate, time } from "../format.js";
import { STATES, bar, metricsOf, sparkline, state, told } from "../parts/glance.js";
import { throttled } from "../throttle.js";

export const view = { name: "overview", title: "Overview", path: "/" };

const REFRESH_MS = 1_000;
const MANY = 12;

export async function show(root, context) {
  const load = async () => (await context.api.list("models", {}, context.signal)).items;
  let items = await load();
  let shown = "";
  const search = h("input", { type: "search", placeholder: "Find a model", "aria-label": "Find a model",
    value: context.query.get("find"), oninput: () => draw() });
  const counts = h("p", { class: "quiet", "aria-live": "polite" });
  const list = h("div", {});
  const draw = () => {
    const wanted = search.value.toLowerCase();
    const found = items.filter((one) => `${one.model} ${one.model_version}`.toLowerCase().includes(wanted));
    const now = JSON.stringify(found);
    if (now === shown) return;
    shown = now;
    search.hidden = items.length < MANY && !wanted;
    if (counts.textContent !== summary(items)) replace(counts, summary(items));
    keepingFocus(list, () => replace(list, items.length ? versions(found, context) : nothing()));
  };
  replace(root, h("div", { class: "heading" }, h("h1", {}, "Overview"), counts, h("div", { class: "choices" }, search)), list);
  draw();
  const refresh = throttled(async () => {
    try {
      items = await load();
      draw();
    } catch (error) {
      if (error.name !== "AbortError" && !error.status && error.status !== 0) throw error; // the banner tells the rest
    }
  }, REFRESH_MS);
  return { record: (kind) => (kind === "metric" || kind === "alert") && refresh() };
}

function summary(items) {
  const parts = Object.keys(STATES).map((name) => [items.filter((one) => one.state === name).length, STATES[name]]);
  return parts.filter(([n]) => n).map(([n, title]) => `${n} ${title.toLowerCase()}`).join(" · ");
}

function versions(items, context) {
  const order = Object.keys(STATES);
  const sorted = [...items].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return h("div", { class: "panel" }, table("Models and versions, those that need somebody first", [
    { title: "Model", header: true, cell: (one) => [
      h("a", { href: `${context.link(`/models/${encodeURIComponent(one.model)}`)}?${new URLSearchParams({ version: one.model_version })}` }, one.model),
      h("small", {}, `${one.model_version} · ${one.task || "task not known"}`)] },
    { title: "State", cell: (one) => [state(one), h("small", {}, one.reason)] },
    { title: "Quality", cell: quality },
    { title: "Trend", cell: (one) => sparkline(one.trend, metricTitle(one.headline)) },
    { title: "Labels", cell: labels },
    { title: "Label delay", cell: delay },
    { title: "Throughput", number: true, cell: throughput },
    { title: "Alerts", cell: (one) => firing(one, context) },
  ], sorted, { class: "scroll cards" }));
}

function quality(item) {
  const one = told(item);
  if (!one?.labelled) return h("span", { class: "quiet" }, "–");
  const [main, ...others] = metricsOf(item.task);
  const rest = others.slice(0, 2).map((name) => `${metricTitle(name)} ${number(one.metrics[name])}`).join(" · ");
  return [h("span", {}, h("span", { class: "quiet" }, `${metricTitle(main)} `), interval(one.metrics[main], one.intervals[main])),
    h("small", {}, `${rest} · ${one.span}`)];
}

function labels(item) {
  const one = told(item);
  if (!one) return "–";
  return [bar(one.label_coverage), h("small", {}, one.maturity === null ? `${count(one.labelled)} labels`
    : `${percent(one.maturity)} of those due`)];
}

function delay(item) {
  const waited = told(item)?.label_latency_seconds;
  return waited ? [`${duration(waited.p50)}`, h("small", {}, `p95 ${duration(waited.p95)}`)] : "–";
}

function throughput(item) {
  if (!item.window) return "–";
  return [rate(item.window.throughput_per_second), h("small", { title: item.window.window_end }, `at ${time(item.window.window_end)}`)];
}

function firing(item, context) {
  const parts = Object.entries(item.firing).filter(([, n]) => n).map(([severity, n]) => `${n} ${severity}`);
  if (!parts.length) return h("span", { class: "quiet" }, "none");
  return h("span", { class: "firing", title: ago(item.window?.window_end, context.now_ms()) }, parts.join(", "));
}

function nothing() {
  return empty("No model has sent anything yet",
    "Hindcast shows a model as soon as the first window of its predictions is over: a minute after they begin, as configured.",
    "Is a worker running (hindcast worker), do its topics exist (hindcast check), and do predictions come?");
}

/** Rows are made anew: whoever was on one of their links stays there. */
function keepingFocus(root, change) {
  const href = root.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  change();
  if (href !== null) root.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus();
}
