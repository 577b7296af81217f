/** How the model is served: latency, errors, throughput, where they are going, resources. */

import { choice, heading, noModel, version, versionChoice } from "../choose.js";
import { draw, figure, prepare } from "../charts.js";
import { empty, h, replace, table } from "../dom.js";
import { NOTHING, axisTime, count, duration, isNumber, number, percent, range, rate, time } from "../format.js";
import { plain } from "../plain.js";
import { throttled } from "../throttle.js";

export const view = { name: "service", title: "Service", path: "/models/{model}/service" };

const MINUTES = [["60", "1 hour"], ["180", "3 hours"], ["1440", "24 hours"]];
const FIELDS = "total,failed,errors,error_rate,success_rate,prediction_latency_seconds,throughput_per_second,resources";
const QUANTILES = ["p50", "p95", "p99"];
const TRENDS = { throughput_per_second: ["Throughput", rate], latency_mean_seconds: ["Mean latency", duration],
  latency_p95_seconds: ["Latency p95", duration], error_rate: ["Error rate", percent] };
const ERRORS_DRAWN = 5;
const REDRAW_MS = 1_000;

export async function show(root, context) {
  prepare();
  const found = await version(context);
  if (found === null) return void replace(root, noModel(context));
  const { item } = found;
  const minutes = MINUTES.find(([value]) => value === context.query.get("minutes"))?.[0] ?? "60";
  const head = heading(context, "Service", versionChoice(context, found), choice(context, "Last", "minutes", MINUTES, minutes));
  if (!item.window) {
    replace(root, head, empty("No window of this version is held", "Its last predictions are more than a day old."));
    return;
  }
  const span = item.window.span;
  const asked = { model: item.model, version: item.model_version };
  const since = new Date(Date.parse(item.window.window_end) - Number(minutes) * 60_000).toISOString();
  const [records, rolling, summaries] = await Promise.all([
    context.api.all("metrics", { ...asked, span, since, fields: FIELDS }, 5_000, context.signal),
    Promise.all(item.spans.map((one) => context.api.list("metrics", { ...asked, span: one.span, fields: "trends" }, context.signal))),
    context.api.list("summary", { model: item.model, minutes }, context.signal),
  ]);
  const state = { records, spans: new Map(rolling.flatMap(({ items }) => items.map((one) => [one.span, one]))),
    summary: summaries.items.find((one) => one.model_version === item.model_version) };
  const places = { numbers: h("div", {}), latency: figure("Latency"), errors: figure("Errors by type", "requests that ended in one"),
    throughput: figure("Throughput", "predictions a second"), trends: h("div", {}), resources: h("div", { class: "grid" }) };
  replace(root, head, places.numbers, h("div", { class: "grid" }, places.latency.root, places.throughput.root, places.errors.root), places.trends, places.resources);
  const drawAll = () => render(places, state, context);
  drawAll();
  const again = throttled(async () => {
    const { items } = await context.api.list("summary", { model: item.model, minutes }, context.signal).catch(() => ({ items: [] }));
    state.summary = items.find((one) => one.model_version === item.model_version) ?? state.summary;
    if (root.isConnected) drawAll();
  }, REDRAW_MS);
  return {
    record(kind, record) {
      if (kind !== "metric" || record.segment !== "" || record.model_version !== item.model_version) return;
      if (state.spans.has(record.span) || record.trends) state.spans.set(record.span, record);
      else if (record.span === span) put(state.records, record);
      else return;
      again();
    },
  };
}

function put(records, record) {
  const at = records.findIndex((one) => one.window_start === record.window_start);
  if (at >= 0) records[at] = record;
  else records.push(record);
  records.sort((a, b) => a.window_start.localeCompare(b.window_start));
}

function render(places, { records, spans, summary }, context) {
  replace(places.numbers, numbers(summary));
  const x = records.map((one) => axisTime(one.window_end));
  const at = (one) => time(one.window_end, context.now_ms());
  const newestFirst = [...records].reverse().slice(0, 200);
  const latency = (one, name) => one.prediction_latency_seconds?.[name] ?? null;
  chart(places.latency, QUANTILES.map((name) => line(name, x, records.map((one) => latency(one, name)), "%{y:.3s}s")), {
    nothing: "Records tell no latency: map latency_ms, or send it with each prediction.",
    description: "Serving latency p50, p95 and p99 over time", layout: { yaxis: { ticksuffix: "s", tickformat: "~s", rangemode: "tozero" } },
    columns: ["Window", ...QUANTILES], rows: newestFirst.map((one) => [at(one), ...QUANTILES.map((name) => duration(latency(one, name)))]),
  });
  chart(places.throughput, [line("predictions/s", x, records.map((one) => one.throughput_per_second ?? null), "%{y:.3~r}/s")], {
    nothing: "", description: "Predictions a second over time", layout: { yaxis: { rangemode: "tozero" }, showlegend: false },
    columns: ["Window", "Throughput"], rows: newestFirst.map((one) => [at(one), rate(one.throughput_per_second)]),
  });
  const types = errorTypes(records);
  const of = (one, type) => (one.errors ? one.errors[type] ?? 0 : null);
  chart(places.errors, types.map((type) => ({ type: "bar", name: plain(type), x, y: records.map((one) => of(one, type)) })), {
    nothing: records.some((one) => one.errors) ? "No request of this time ended in an error." : "Records tell of no status: map status or error_type.",
    description: "Errors by type over time", layout: { barmode: "stack", bargap: 0.1, yaxis: { rangemode: "tozero" }, showlegend: true },
    columns: ["Window", ...types], rows: newestFirst.map((one) => [at(one), ...types.map((type) => count(of(one, type)))]),
  });
  replace(places.trends, trends([...spans.values()]));
  resources(places.resources, records, x, newestFirst.map(at), newestFirst);
}

function chart({ chart: element, words }, traces, { nothing, layout, ...told }) {
  const known = traces.some((trace) => trace.y.some((value) => value !== null));
  if (!known) return void replace(element, h("p", { class: "quiet" }, nothing));
  draw(element, traces, { words, layout: { showlegend: true, hovermode: "x unified", ...layout, xaxis: { type: "date" } }, ...told });
}

function line(name, x, y, form) {
  return { type: "scatter", mode: "lines", name, x, y, hovertemplate: `${form}<extra>%{fullData.name}</extra>` };
}

function errorTypes(records) {
  const totals = new Map();
  for (const one of records) for (const [type, n] of Object.entries(one.errors ?? {})) totals.set(type, (totals.get(type) ?? 0) + n);
  return [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a)).slice(0, ERRORS_DRAWN);
}

function numbers(summary) {
  if (!summary) return empty("No window in this time", "Choose a longer one.");
  const latency = summary.prediction_latency_seconds;
  const atMost = latency.quantile_method === "upper_bound" ? "at most" : null;
  const told = [
    ["Predictions", count(summary.total), rate(summary.throughput_per_second)],
    ["Without error", percent(summary.success_rate), `${count(Object.values(summary.errors).reduce((a, b) => a + b, 0))} errors`],
    ["Not made", count(summary.failed), "requests that ended in an error and have no prediction"],
    ["Mean latency", duration(latency.mean), null],
    ["Latency p95", duration(latency.p95), atMost],
    ["Latency p99", duration(latency.p99), atMost],
  ];
  return h("dl", { class: "numbers" }, told.map(([name, value, more]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value, more && value !== NOTHING ? h("small", {}, more) : null))));
}

function trends(records) {
  const rows = records.flatMap((record) => Object.entries(TRENDS).filter(([name]) => record.trends?.[name])
    .map(([name, [title, form]]) => ({ span: record.span, title, form, ...record.trends[name] })));
  if (rows.length === 0) return null;
  const slope = (one) => (isNumber(one.slope_per_hour) ? [`${one.slope_per_hour > 0 ? "+" : ""}${number(one.slope_per_hour)}`,
    h("small", {}, range(one.intervals?.slope_per_hour))] : NOTHING);
  return h("div", { class: "panel" }, table("Where the numbers of rolling spans are going", [
    { title: "Series", header: true, cell: (one) => `${one.title}, ${one.span}` },
    { title: "Moving average", number: true, cell: (one) => one.form(one.moving_average) },
    { title: "Slope an hour", number: true, cell: slope },
    { title: "Newest, z", number: true, cell: (one) => number(one.z) },
  ], rows, { class: "scroll cards" }));
}

function resources(place, records, x, times, newestFirst) {
  const names = [...new Set(records.flatMap((one) => Object.keys(one.resources ?? {})))];
  const known = place.dataset.names === names.join();
  if (!known) {
    place.dataset.names = names.join();
    place.figures = names.map((name) => figure(name.replaceAll("_", " "), "mean, p95 and greatest"));
    replace(place, place.figures.map((one) => one.root));
  }
  names.forEach((name, i) => chart(place.figures[i], ["mean", "p95", "max"].map((key) =>
    line(key, x, records.map((one) => one.resources?.[name]?.[key] ?? null), "%{y:.3~s}")), {
    nothing: "", description: `${name.replaceAll("_", " ")} over time`, layout: { yaxis: { rangemode: "tozero", tickformat: name.endsWith("_ratio") ? ".0%" : "~s" } },
    columns: ["Window", "mean", "p95", "max"],
    rows: newestFirst.map((one, row) => [times[row], ...["mean", "p95", "max"].map((key) => number(one.resources?.[name]?.[key]))]),
  }));
}
