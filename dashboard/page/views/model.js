/** One version of a model: what its labels say over time, and how far they can be trusted. */

import { draw, figure, prepare } from "../charts.js";
import { empty, h, replace } from "../dom.js";
import { axisTime, metricTitle } from "../format.js";
import { confusion } from "../parts/confusion.js";
import { RANGES, segmented, select } from "../parts/controls.js";
import { metricsOf, state, told } from "../parts/glance.js";
import { headline } from "../parts/headline.js";
import { History } from "../parts/history.js";
import { coverage, delay, throughput } from "../parts/labels.js";
import { backdrop, metricRows, metricTraces, valueRange } from "../parts/over_time.js";
import { calibration, curves, histogram } from "../parts/scores.js";
import { settled, throttled } from "../throttle.js";

export const view = { name: "model", title: "Performance", path: "/models/{model}" };

const REFRESH_MS = 1_000;
const CHOICE_MS = 120; // a key that is pressed comes up in that time

export async function show(root, context) {
  prepare();
  const versions = (await context.api.list("models", {}, context.signal)).items.filter((one) => one.model === context.model);
  const wanted = context.query.get("version");
  const item = versions.find((one) => one.model_version === wanted) ?? newest(versions);
  if (!item) return void replace(root, h("h1", {}, context.model), empty("Nothing is held of this model",
    "Its records may be more than a day old, or its name may have changed.", h("a", { href: context.link("/") }, "All models")));
  if (!item.window) return void replace(root, h("h1", {}, context.model), empty("No window of this version is over yet",
    "Numbers come when the first window of its predictions is over."));
  const page = new ModelPage(root, context, item, versions);
  await page.load();
  return page;
}

class ModelPage {
  constructor(root, context, item, versions) {
    Object.assign(this, { root, context, item, versions });
    this.segment = context.query.get("segment") ?? "";
    this.metric = metricsOf(item.task).find((one) => one === context.query.get("metric")) ?? metricsOf(item.task)[0];
    this.history = new History(item, this.segment, RANGES.includes(context.query.get("span")) ? context.query.get("span") : "6h");
    this.refresh = throttled(() => this.renew(), REFRESH_MS);
    const whileShown = (run) => () => context.signal.aborted || run();
    this.drawChoice = settled(CHOICE_MS, whileShown(() => this.drawTime()),
      whileShown(() => this.drawEstimated(this.history.records)));
  }

  async load() {
    const { api, signal, model } = this.context;
    this.build();
    this.drawHead(); // known already; the windows of a day take longer
    [this.incidents, { items: this.lines }] = await Promise.all([
      api.all("alerts", { model, since: this.history.since }, 1_000, signal), api.list("lines", { model }, signal),
      this.history.load(api, signal), this.loadOutcomes()]);
    this.draw();
  }

  async loadOutcomes() {
    const { items } = await this.context.api.list("outcomes", { model: this.context.model, version: this.item.model_version,
      segment: this.segment, since: this.history.since }, this.context.signal);
    this.outcomes = items.find((one) => one.span === this.history.span) ?? null;
  }

  /** News: of this version and time, once a second at most. */
  record(kind, record) {
    const mine = kind === "metric" ? this.history.add(record) || record.model_version === this.item.model_version
      : kind === "alert" && record.model === this.context.model;
    if (mine) this.refresh();
  }

  async renew() {
    const { api, signal, model } = this.context;
    try {
      const [{ items: all }, incidents] = await Promise.all([api.list("models", {}, signal),
        api.all("alerts", { model, since: this.history.since }, 1_000, signal), this.loadOutcomes()]);
      this.versions = all.filter((one) => one.model === model);
      this.item = this.versions.find((one) => one.model_version === this.item.model_version) ?? this.item;
      this.incidents = incidents;
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError" && error.status === undefined) throw error; // the banner tells the rest
    }
  }

  build() {
    const { context, item, versions } = this;
    const isBinary = item.task === "binary" || item.task === "";
    this.parts = { headline: headline(), time: figure("", ""), coverage: coverage(), delay: delay(), throughput: throughput() };
    if (item.task !== "regression") this.parts.confusion = confusion();
    if (isBinary) this.parts.calibration = calibration();
    if (isBinary && !this.segment) Object.assign(this.parts, { histogram: histogram(), curves: curves() });
    this.time = this.parts.time;
    this.time.root.classList.add("wide");
    const metrics = metricsOf(item.task).map((one) => [one, metricTitle(one)]);
    const choose = (metric) => {
      this.metric = metric;
      remember(context, { metric });
      this.drawChoice();
    };
    this.time.root.querySelector("figcaption").append(
      h("div", { class: "choices" }, select("Metric", metrics, this.metric, choose)));
    this.estimated = figure("Estimated against realised", "what scores foretell, and what labels said");
    this.pill = h("span", {});
    const { time, headline: numbers, curves: both, ...others } = this.parts;
    replace(this.root,
      h("div", { class: "heading" }, h("h1", {}, context.model), this.pill,
        this.segment ? h("span", { class: "quiet" }, `segment ${this.segment} `,
          h("a", { href: `${location.pathname}?${without(context.query, "segment")}` }, "show all")) : null,
        h("div", { class: "choices" },
          select("Version", versions.map((one) => [one.model_version, one.model_version]), item.model_version,
            (version) => context.setQuery({ version })),
          segmented("Time shown", RANGES, this.history.range, (span) => context.setQuery({ span })))),
      numbers.root,
      h("div", { class: "grid" }, time.root, this.estimated.root, Object.values(others).map((one) => one.root), both?.roots));
  }

  draw() {
    const { parts, history, item, outcomes } = this;
    const records = history.records;
    const span = this.range();
    this.drawHead();
    this.drawTime();
    this.drawEstimated(records);
    parts.coverage.show(records, span);
    parts.delay.show(records, told(item));
    parts.throughput.show(records, span);
    parts.confusion?.show(outcomes?.confusion);
    parts.calibration?.show(outcomes?.calibration ?? []);
    const scores = outcomes?.score_histogram ?? { lower: [], negatives: [], positives: [] };
    parts.histogram?.show(scores);
    parts.curves?.show(scores);
  }

  drawHead() {
    replace(this.pill, state(this.item), h("span", { class: "quiet small" }, ` ${this.item.reason}`));
    this.parts.headline.show(this.item);
  }

  range() {
    const first = this.history.records[0];
    const since_ms = Math.max(this.history.since_ms, first ? Date.parse(first.window_start) : 0);
    return [axisTime(since_ms), axisTime(this.history.until_ms)];
  }

  drawTime() {
    const { metric, time, history } = this;
    const records = history.records;
    const until = new Date(history.until_ms).toISOString();
    time.root.querySelector("h3").textContent = capital(metricTitle(metric));
    const lines = this.linesOf(metric);
    time.note.textContent = `${records.length} windows of ${history.span}; dotted: labels may still change it; shaded: alerts`;
    draw(time.chart, () => metricTraces(records, metric), { height: 320, words: time.words,
      description: `${metricTitle(metric)} of ${this.context.model} ${this.item.model_version} over time, with 95 % intervals`,
      layout: () => ({ margin: { t: 24 }, xaxis: { type: "date", range: this.range() },
        yaxis: { range: valueRange(records, metric, lines) },
        ...backdrop({ incidents: this.mine(), deployments: this.deployments(), lines, until }) }),
      columns: ["window", metricTitle(metric), "state"], rows: () => metricRows(records, metric) });
  }

  drawEstimated(records) {
    const known = records.filter((one) => one.estimated?.metrics);
    const metric = [this.metric, ...metricsOf(this.item.task)]
      .find((name) => known.some((one) => name in one.estimated.metrics));
    this.estimated.root.hidden = metric === undefined;
    if (metric === undefined) return;
    this.estimated.root.querySelector("h3").textContent = `${capital(metricTitle(metric))}: estimated against realised`;
    const look = { of: (one) => one.estimated, tone: "series-2", title: "estimated" };
    const realised = () => metricTraces(records, metric, { title: "realised" }).filter((one) => one.name);
    draw(this.estimated.chart, () => [...metricTraces(known, metric, look), ...realised()], {
      description: `${metricTitle(metric)} as estimated without labels, and as labels said`,
      layout: () => ({ xaxis: { type: "date", range: this.range() }, yaxis: { range: valueRange(records, metric, []) } }),
      words: this.estimated.words, columns: ["window", "estimated", "realised"],
      rows: () => {
        const said = metricRows(known, metric);
        const foretold = metricRows(known.map((one) => ({ ...one, ...one.estimated })), metric);
        return foretold.map(([window, value], i) => [window, value, said[i][1]]);
      } });
  }

  mine() {
    const versions = ["", this.item.model_version];
    return this.incidents.filter((one) => versions.includes(one.model_version) && one.segment === this.segment
      && one.severity !== "info");
  }

  /** Versions that came while others were there already. */
  deployments() {
    const first = Math.min(...this.versions.filter((one) => one.since).map((one) => Date.parse(one.since)));
    return this.versions.filter((one) => one.since && Date.parse(one.since) > Math.max(first, this.history.since_ms));
  }

  /** What the configuration says of a metric, and thresholds that incidents were judged by (a baseline may be learned). */
  linesOf(metric) {
    const configured = this.lines.filter((one) => one.metric === metric && one.severity !== "info");
    const known = new Set(configured.map((one) => one.rule));
    const judged = this.mine().filter((one) => one.metric.replace(/^metrics\./, "") === metric
      && one.threshold !== null && !known.has(one.rule));
    const last = new Map(judged.reverse().map((one) => [one.rule, { ...one, kind: "threshold", value: one.threshold }]));
    return [...configured, ...last.values()];
  }
}

function newest(versions) {
  return [...versions].sort((a, b) => (b.window?.window_end ?? "").localeCompare(a.window?.window_end ?? "")
    || (b.window?.total ?? 0) - (a.window?.total ?? 0))[0];
}

function remember(context, values) {
  for (const [name, value] of Object.entries(values)) context.query.set(name, value);
  history.replaceState(null, "", `${location.pathname}?${context.query}`);
}

function without(query, name) {
  const kept = new URLSearchParams(query);
  kept.delete(name);
  return kept;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
