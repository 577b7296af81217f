/** What has drifted, when, and how it looks now beside the baseline. */

import { choice, heading, noModel, version, versionChoice } from "../choose.js";
import { colour, draw, figure, forget, prepare } from "../charts.js";
import { empty, h, replace, table } from "../dom.js";
import { NOTHING, axisTime, count, isNumber, number, percent, time } from "../format.js";
import { plain } from "../plain.js";
import { throttled } from "../throttle.js";

export const view = { name: "drift", title: "Drift", path: "/models/{model}/drift" };

const WHOLE = { score: "scores", prediction: "predictions", embedding: "embeddings", label: "labels" };
const REDRAW_MS = 1_000;
const EVERY_MS = 900_000;

export async function show(root, context) {
  prepare();
  const found = await version(context);
  if (found === null) return void replace(root, noModel(context));
  const { item } = found;
  const asked = { model: item.model, version: item.model_version };
  const records = await context.api.all("drift", asked, 20_000, context.signal);
  const spans = [...new Set(records.map((one) => one.span))];
  const head = (...choices) => heading(context, "Drift", versionChoice(context, found), ...choices);
  if (spans.length === 0) {
    replace(root, head(), empty("Nothing is compared with a baseline yet",
      `Build one with: hindcast baseline build train.parquet --model ${item.model}`,
      "Then name it under models.NAME.baseline. Records of spans of an hour and more tell of drift (models.NAME.drift.over)."));
    return;
  }
  const wanted = context.query.get("span");
  const span = spans.includes(wanted) ? wanted : spans.sort((a, b) => lengthOf(records, a) - lengthOf(records, b))[0];
  const page = new Page(records.filter((one) => one.span === span), context);
  replace(root, head(choice(context, "Span", "span", spans, span)), page.root);
  page.draw();
  const again = throttled(() => root.isConnected && page.draw(), REDRAW_MS);
  return {
    record(kind, record) {
      const fits = kind === "metric" && record.segment === "" && record.model_version === item.model_version;
      if (!fits || record.span !== span || !record.drift) return;
      page.add(record);
      again();
    },
  };
}

function lengthOf(records, span) {
  const one = records.find((record) => record.span === span);
  return Date.parse(one.window_end) - Date.parse(one.window_start);
}

/** name -> what is told of it, features and the model's own outputs alike. */
function partsOf(drift) {
  const outputs = Object.entries(WHOLE).filter(([key]) => drift[key]).map(([key, title]) => [`(${title})`, drift[key]]);
  return new Map([...outputs, ...Object.entries(drift.features ?? {})]);
}

class Page {
  constructor(records, context) {
    this.context = context;
    this.records = records;
    this.feature = context.query.get("feature");
    this.at = null; // null: the newest
    this.summary = h("p", { role: "status" });
    this.heat = figure("PSI against its threshold", "orange: at its threshold, red: twice it and more; click to look at a feature");
    this.list = h("div", { class: "panel" });
    this.detail = h("div", { class: "grid" });
    this.root = h("div", { class: "view" }, this.summary, this.heat.root, this.detail, this.list);
  }

  /** Of each quarter of an hour the last record is shown. */
  add(record) {
    const same = (one) => Math.floor(Date.parse(one.window_end) / EVERY_MS) === Math.floor(Date.parse(record.window_end) / EVERY_MS);
    this.records = [...this.records.filter((one) => !same(one)), record]
      .sort((a, b) => a.window_end.localeCompare(b.window_end));
  }

  get newest() {
    return this.records.at(-1);
  }

  draw() {
    const parts = partsOf(this.newest.drift);
    const strength = (part) => (isNumber(part?.psi) && part.psi_threshold ? part.psi / part.psi_threshold : null);
    const names = [...parts.keys()].sort((a, b) => (strength(parts.get(b)) ?? -1) - (strength(parts.get(a)) ?? -1));
    this.feature = parts.has(this.feature) ? this.feature : names[0];
    const { drift } = this.newest;
    const drifted = drift.features_drifted ?? null;
    replace(this.summary, `${count(drifted)} of ${count(Object.keys(drift.features ?? {}).length)} features have drifted`
      + ` in the ${this.newest.span} until ${time(this.newest.window_end, this.context.now_ms())} (${count(drift.records)} predictions).`
      + (drift.kinds?.length ? ` Kinds found: ${drift.kinds.join(", ")}.` : ""));
    this.drawHeat(names, strength);
    this.drawList(names, parts);
    this.drawDetail();
  }

  drawHeat(names, strength) {
    const rows = [...names].reverse(); // Plotly draws the first at the bottom
    const of = (record, name) => partsOf(record.drift).get(name);
    const z = rows.map((name) => this.records.map((record) => strength(of(record, name))));
    const text = rows.map((name) => this.records.map((record) => `PSI ${number(of(record, name)?.psi)}`));
    const short = rows.map((name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name));
    draw(this.heat.chart, () => [{
      type: "heatmap", x: this.records.map((one) => axisTime(one.window_end)), y: rows.map((_, i) => i), z, text,
      customdata: z.map((row, i) => row.map(() => plain(rows[i]))), hovertemplate: "%{customdata}<br>%{x|%H:%M}<br>%{text}<extra></extra>",
      zmin: 0, zmax: 2, xgap: 1, ygap: 1, hoverongaps: false,
      colorscale: [[0, colour("grid")], [0.5, colour("series-2")], [1, colour("bad")]],
      showscale: false, // Plotly's colour bar needs inline styles, which the page's policy refuses
    }], {
      height: 90 + 24 * rows.length,
      layout: { yaxis: { tickvals: rows.map((_, i) => i), ticktext: short.map(plain), showgrid: false, fixedrange: true },
        xaxis: { type: "date", showgrid: false } },
      description: `PSI over its threshold of ${rows.length} features over time`,
      words: this.heat.words,
      columns: ["Feature", ...this.records.map((one) => time(one.window_end, this.context.now_ms()))],
      rows: names.map((name) => [name, ...this.records.map((record) => number(of(record, name)?.psi))]),
      onclick: (point) => this.choose(rows[point.y], point.pointNumber[1]),
    });
  }

  choose(name, at = null) {
    this.feature = name;
    this.at = at === null || at === this.records.length - 1 ? null : this.records[at];
    this.draw();
    this.detail.scrollIntoView({ block: "nearest" });
  }

  drawList(names, parts) {
    const columns = [
      { title: "Feature", header: true, cell: (name) => h("button", { type: "button", class: "plain",
        "aria-pressed": String(name === this.feature), onclick: () => this.choose(name) }, name) },
      { title: "State", cell: (name) => stateOf(parts.get(name)) },
      { title: "PSI (threshold)", number: true, cell: (name) => withThreshold(parts.get(name)) },
      { title: "KS", number: true, cell: (name) => number(parts.get(name).ks) },
      { title: "JS", number: true, cell: (name) => number(parts.get(name).js) },
      { title: "Mean shift (std)", number: true, cell: (name) => number(parts.get(name).mean_shift) },
      { title: "Nulls", number: true, cell: (name) => percent(parts.get(name).null_ratio) },
      { title: "Never seen", number: true, cell: (name) => percent(parts.get(name).new_categories) },
    ];
    replace(this.list, table("Everything that is compared, the strongest drift first", columns, names, { class: "scroll cards" }));
  }

  drawDetail() {
    const record = this.at ?? this.newest;
    const part = partsOf(record.drift).get(this.feature) ?? {};
    forget(this.detail);
    const shape = figure(`${this.feature}: reference against now`,
      `the ${record.span} until ${time(record.window_end, this.context.now_ms())}; ${noteOf(part)}`);
    replace(this.detail, shape.root, facts(part));
    const sides = sidesOf(part);
    if (sides === null) return void replace(shape.chart, h("p", { class: "quiet" }, part.reason ?? "These records hold no distributions."));
    draw(shape.chart, () => [["reference", "Baseline", "series-6"], ["now", "Now", "series-1"]].map(([side, name, shade]) => ({
      type: "bar", name, x: sides.labels.map((_, i) => i), y: sides[side], marker: { color: colour(shade) },
      hovertemplate: "%{y:.1%}<extra>%{fullData.name}</extra>" })), {
      height: 260, description: `Shares of the values of ${this.feature}, in the baseline and now`,
      layout: { barmode: "group", bargap: 0.25, showlegend: true, yaxis: { tickformat: ".0%", rangemode: "tozero" },
        xaxis: { tickvals: sides.labels.map((_, i) => i), ticktext: sides.labels.map(plain) } },
      words: shape.words, columns: ["Bin", "Baseline", "Now"],
      rows: sides.labels.map((label, i) => [label, percent(sides.reference[i]), percent(sides.now[i])]),
    });
  }
}

/** Labels and shares of both sides, or null. */
function sidesOf(part) {
  if (part.bins) {
    const { upper, reference, now } = part.bins;
    const rest = part.new_categories;
    if (upper) return { labels: upper.map((bound, i) => (bound === null ? `> ${number(upper[i - 1])}` : `≤ ${number(bound)}`)), reference, now };
    const fresh = isNumber(rest) && rest > 0;
    return { labels: [...reference.map((_, i) => `no. ${i + 1}`), ...(fresh ? ["never seen"] : [])],
      reference: [...reference, ...(fresh ? [0] : [])], now: [...now, ...(fresh ? [rest] : [])] };
  }
  if (isNumber(part.positive_rate)) {
    const [now, then] = [part.positive_rate, part.reference_positive_rate];
    return { labels: ["positive", "negative"], reference: [then, 1 - then], now: [now, 1 - now] };
  }
  if (part.shares) {
    const labels = Object.keys({ ...part.reference_shares, ...part.shares });
    const of = (side) => labels.map((label) => side?.[label] ?? 0);
    return { labels, reference: of(part.reference_shares), now: of(part.shares) };
  }
  return null;
}

function facts(part) {
  const rows = [["State", stateOf(part)], ["PSI (threshold)", withThreshold(part)], ["KS", number(part.ks)],
    ["KS p-value", number(part.ks_pvalue)], ["χ² p-value", number(part.chi2_pvalue)], ["Jensen-Shannon", number(part.js)],
    ["Wasserstein (std)", number(part.wasserstein)], ["Mean shift (std)", number(part.mean_shift)], ["Nulls", percent(part.null_ratio)],
    ["Never seen", percent(part.new_categories)], ["Cosine distance", number(part.cosine_distance)]].filter(([, value]) => value !== NOTHING);
  return h("dl", { class: "panel facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function stateOf(part) {
  if (part.drifted === true) return h("span", { class: "state degraded" }, part.drifted_by?.length ? `drifted: ${part.drifted_by.join(", ")}` : "drifted");
  if (part.drifted === false) return h("span", { class: "state healthy" }, "as before");
  return h("span", { class: "quiet" }, part.reason ?? "not known");
}

function withThreshold(part) {
  return isNumber(part.psi) ? `${number(part.psi)} (${number(part.psi_threshold)})` : NOTHING;
}

function noteOf(part) {
  if (part.bins?.upper) return "bins of equal mass in the baseline";
  return part.bins ? "no. 1 is the commonest category of the baseline, and so on; records hold no names" : "shares of the values";
}
