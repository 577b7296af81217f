/** Whether inputs are what they should be: nulls, wrong types, outliers, values out of range, columns. */

import { choice, heading, noModel, version, versionChoice } from "../choose.js";
import { draw, figure, prepare } from "../charts.js";
import { empty, h, replace, table } from "../dom.js";
import { axisTime, count, isNumber, percent, time } from "../format.js";
import { plain } from "../plain.js";
import { throttled } from "../throttle.js";

export const view = { name: "quality", title: "Quality", path: "/models/{model}/quality" };

const RATIOS = [["missing_ratio", "Missing"], ["type_mismatch_ratio", "Wrong type"], ["non_finite_ratio", "NaN, infinite"],
  ["outlier_zscore_ratio", "Outliers (z)"], ["outlier_iqr_ratio", "Outliers (IQR)"], ["out_of_range_ratio", "Out of range"]];
const SINCE = [["1h", "1 hour"], ["3h", "3 hours"], ["24h", "24 hours"]];
const DRAWN = 6;
const REDRAW_MS = 1_000;

export async function show(root, context) {
  prepare();
  const found = await version(context);
  if (found === null) return void replace(root, noModel(context));
  const { item } = found;
  const since = context.query.get("since") ?? "3h";
  const asked = { model: item.model, version: item.model_version, span: item.window?.span, since, fields: "quality,total" };
  const records = (await context.api.all("metrics", asked, 5_000, context.signal)).filter((one) => one.quality);
  const ratio = RATIOS.find(([name]) => name === context.query.get("ratio"))?.[0] ?? "missing_ratio";
  const head = heading(context, "Quality", versionChoice(context, found), choice(context, "Last", "since", SINCE, since),
    choice(context, "Drawn", "ratio", RATIOS, ratio));
  if (records.length === 0) {
    replace(root, head, empty("No record of this time tells of its inputs",
      `Quality is judged against a baseline file: hindcast baseline build train.parquet --model ${item.model}`,
      "Then name it under models.NAME.baseline."));
    return;
  }
  const places = { columns: h("div", {}), chart: figure("", ""), table: h("div", { class: "panel" }) };
  replace(root, head, places.columns, places.table, places.chart.root);
  const drawAll = () => render(places, records, ratio, context);
  drawAll();
  const again = throttled(() => root.isConnected && drawAll(), REDRAW_MS);
  return {
    record(kind, record) {
      const mine = kind === "metric" && record.segment === "" && record.model_version === item.model_version;
      if (!mine || record.span !== item.window?.span || !record.quality) return;
      const at = records.findIndex((one) => one.window_start === record.window_start);
      if (at >= 0) records[at] = record;
      else records.push(record);
      again();
    },
  };
}

function render(places, records, ratio, context) {
  records.sort((a, b) => a.window_start.localeCompare(b.window_start));
  const full = records.filter((one) => one.total > 0);
  const newest = full.at(-1) ?? records.at(-1);
  const { features = {}, embedding } = newest.quality;
  const all = { ...features, ...(embedding ? { "(embedding)": embedding } : {}) };
  const worst = (name) => Math.max(0, ...RATIOS.map(([key]) => all[name][key] ?? 0));
  const names = Object.keys(all).sort((a, b) => worst(b) - worst(a) || a.localeCompare(b));
  const columns = [{ title: "Feature", header: true, cell: (name) => name },
    ...RATIOS.map(([key, title]) => ({ title, number: true, cell: (name) => share(all[name][key]) }))];
  replace(places.table, table(`Shares of the ${count(newest.total)} predictions of the window that ended at `
    + `${time(newest.window_end, context.now_ms())}, the worst first`, columns, names, { class: "scroll cards" }));
  replace(places.columns, changed(newest.quality));
  drawRatio(places.chart, full, names, ratio, context);
}

function share(value) {
  return isNumber(value) && value >= 0.05 ? h("strong", { class: value >= 0.2 ? "firing" : null }, percent(value)) : percent(value);
}

function changed({ columns_missing: missing = [], columns_extra: extra = [] }) {
  if (!missing.length && !extra.length) return null;
  return h("div", { class: "panel notice" },
    missing.length ? h("p", {}, h("strong", { class: "firing" }, "Missing in every record: "), missing.join(", ")) : null,
    extra.length ? h("p", {}, h("strong", {}, "Not in the baseline: "), extra.join(", ")) : null);
}

function drawRatio(place, records, names, ratio, context) {
  const title = RATIOS.find(([key]) => key === ratio)[1];
  const value = (record, name) => (name === "(embedding)" ? record.quality.embedding : record.quality.features?.[name])?.[ratio] ?? null;
  const most = (name) => Math.max(...records.map((record) => value(record, name) ?? 0));
  const drawn = names.filter((name) => records.some((record) => value(record, name) !== null))
    .sort((a, b) => most(b) - most(a)).slice(0, DRAWN);
  replace(place.root.querySelector("h3"), `${title} over time`);
  replace(place.note, drawn.length === DRAWN ? `the ${DRAWN} features that had most of it` : "");
  draw(place.chart, drawn.map((name) => ({ type: "scatter", mode: "lines", name: plain(name), x: records.map((one) => axisTime(one.window_end)),
    y: records.map((record) => value(record, name)), hovertemplate: "%{y:.2%}<extra>%{fullData.name}</extra>" })), {
    description: `${title} of ${drawn.length} features over time`,
    layout: { showlegend: true, hovermode: "x unified", xaxis: { type: "date" }, yaxis: { tickformat: ".1~%", rangemode: "tozero" } },
    words: place.words, columns: ["Window", ...drawn],
    rows: [...records].reverse().slice(0, 200).map((record) => [time(record.window_end, context.now_ms()),
      ...drawn.map((name) => percent(value(record, name)))]),
  });
}
