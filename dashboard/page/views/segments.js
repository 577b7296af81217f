/** Every segment of a version, the worst first. */

import { choice, heading, noModel, version, versionChoice } from "../choose.js";
import { empty, h, replace } from "../dom.js";
import { count, interval, isInterval, isNumber, metricTitle, number, percent } from "../format.js";
import { throttled } from "../throttle.js";

export const view = { name: "segments", title: "Segments", path: "/models/{model}/segments", segments: true };

const SHOWN = 100;
const REDRAW_MS = 1_000;
const FIELDS = "total,labelled,label_coverage,metrics,intervals";
const LOWER_IS_BETTER = /^(rmse|mse|mae|mape|bias|log_loss|brier|ece|ece_debiased|error_.*)$/;
const FIRST = { binary: "accuracy", multiclass: "accuracy", regression: "rmse" };

export async function show(root, context) {
  const found = await version(context);
  if (found === null) return void replace(root, noModel(context));
  const { item } = found;
  const { span, whole, records } = await load(context, item);
  const head = (...choices) => heading(context, "Segments", versionChoice(context, found), ...choices);
  const spans = [...item.spans.map((one) => one.span), item.window?.span].filter(Boolean);
  const spanChoice = choice(context, "Span", "span", spans, span);
  if (records.length === 0) {
    replace(root, head(spanChoice), empty("No segment has records in this span",
      "Name the fields to divide by under models.NAME.segments, as segments: [country, merchant].",
      "Segments are told of as soon as a window closes; another span may have some."));
    return;
  }
  const names = metricsOf(whole ?? records[0], records);
  const metric = names.includes(context.query.get("metric")) ? context.query.get("metric") : names.find((name) => name === FIRST[item.task]) ?? names[0];
  const rows = new Rows(metric, whole);
  for (const record of records) rows.put(record);
  const note = h("p", { class: "quiet small", role: "status" });
  const filter = h("input", { type: "search", placeholder: "country=", "aria-label": "Show segments whose name holds",
    oninput: () => rows.draw() });
  rows.attach(filter, note);
  const metricChoice = choice(context, "Metric", "metric", names.map((name) => [name, metricTitle(name)]), metric);
  replace(root, head(spanChoice, metricChoice, filter), note, h("div", { class: "panel" }, rows.root, rows.more));
  rows.draw();
  const again = throttled(() => rows.draw(), REDRAW_MS);
  return {
    record(kind, record) {
      if (kind !== "metric" || record.model_version !== item.model_version || record.span !== span) return;
      if (record.segment === "") rows.compareWith(record);
      else rows.put(record);
      again();
    },
  };
}

/** The records of the chosen span, else of the shortest rolling one that has segments, else of the newest labelled window. */
async function load(context, item) {
  const window = item.labelled_window ?? item.window;
  const every = [...item.spans.map((one) => one.span), window?.span].filter(Boolean);
  const spans = every.includes(context.query.get("span")) ? [context.query.get("span")] : every;
  for (const span of spans) {
    const since = span === window?.span ? window.window_start : null;
    const asked = { model: item.model, version: item.model_version, span, since, fields: FIELDS };
    const [records, whole] = await Promise.all([
      context.api.all("metrics", { ...asked, segment: "*" }, 10_000, context.signal),
      context.api.all("metrics", asked, 1_500, context.signal),
    ]);
    if (records.length || span === spans.at(-1)) return { span, records, whole: whole[0] ?? null };
  }
  return { span: null, records: [], whole: null }; // nothing of the whole model either
}

function metricsOf(one, records) {
  const names = Object.keys(one.metrics ?? {});
  return names.filter((name) => records.some((record) => isNumber(record.metrics?.[name])));
}

/** The table: a row of its own for each segment, changed in place. */
class Rows {
  constructor(metric, whole) {
    this.metric = metric;
    this.whole = whole;
    this.lowerIsBetter = LOWER_IS_BETTER.test(metric);
    this.held = new Map(); // segment -> {record, element}
    this.all = false;
    this.sort = { key: "value", down: this.lowerIsBetter };
    this.columns = [
      ["segment", "Segment"], ["value", metricTitle(metric)], ["difference", "Against the model"],
      ["labelled", "Labelled"], ["total", "Predictions"], ["coverage", "Coverage"],
    ];
    this.head = h("tr", {});
    this.body = h("tbody", {});
    this.more = h("button", { type: "button", onclick: () => { this.all = true; this.draw(); } });
    const caption = `Segments by ${metricTitle(metric)}, with 95 % intervals`;
    this.root = h("div", { class: "scroll cards", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", {}, caption), h("thead", {}, this.head), this.body));
  }

  attach(filter, note) {
    [this.filter, this.note] = [filter, note];
  }

  compareWith(record) {
    if (this.whole && record.window_end < this.whole.window_end) return;
    this.whole = record;
    for (const one of this.held.values()) one.stale = true;
  }

  put(record) {
    const before = this.held.get(record.segment);
    if (before && (record.window_end < before.record.window_end)) return;
    if (before && record.window_end === before.record.window_end && record.revision < before.record.revision) return;
    this.held.set(record.segment, { record, element: before?.element ?? h("tr", {}), stale: true });
  }

  draw() {
    const text = this.filter.value.trim().toLowerCase();
    const found = [...this.held.values()].filter((one) => one.record.segment.toLowerCase().includes(text));
    found.sort((one, other) => this.compare(one.record, other.record));
    const shown = this.all ? found : found.slice(0, SHOWN);
    replace(this.head, this.columns.map((column) => this.title(column)));
    replace(this.body, shown.map((one) => this.row(one)));
    this.more.hidden = shown.length === found.length;
    this.more.textContent = `Show all ${count(found.length)} segments`;
    const worse = found.filter((one) => this.verdict(one.record) === "worse").length;
    replace(this.note, `${count(found.length)} segments; of ${count(worse)} the whole interval is worse than the model as a whole`
      + (this.whole ? ` (${metricTitle(this.metric)} ${number(this.value(this.whole))}).` : "."));
  }

  title([key, title]) {
    const mine = this.sort.key === key;
    const order = this.sort.down ? "descending" : "ascending";
    const onclick = () => {
      this.sort = { key, down: mine ? !this.sort.down : key !== "segment" && !(key === "value" && !this.lowerIsBetter) };
      this.draw();
      this.head.querySelector(`[data-key="${key}"]`).focus();
    };
    return h("th", { scope: "col", "aria-sort": mine ? order : "none", class: key === "segment" ? null : "number" },
      h("button", { type: "button", class: "sort", "data-key": key, onclick }, title, mine ? (this.sort.down ? " ↓" : " ↑") : ""));
  }

  row(one) {
    if (!one.stale) return one.element;
    const { record } = one;
    const verdict = this.verdict(record);
    const cells = {
      value: interval(this.value(record), record.intervals?.[this.metric]),
      difference: [signed(this.difference(record)), verdict && " ", verdict && h("span", { class: `verdict ${verdict}` }, verdict)],
      labelled: count(record.labelled), total: count(record.total), coverage: percent(record.label_coverage),
    };
    one.stale = false;
    return replace(one.element, h("th", { scope: "row" }, record.segment),
      this.columns.slice(1).map(([key, title]) => h("td", { class: "number", "data-title": title }, cells[key])));
  }

  value(record) {
    return record.metrics?.[this.metric];
  }

  difference(record) {
    const [mine, whole] = [this.value(record), this.whole && this.value(this.whole)];
    return isNumber(mine) && isNumber(whole) ? mine - whole : null;
  }

  /** "worse" or "better" where the whole interval is on one side of the model as a whole. */
  verdict(record) {
    const ends = record.intervals?.[this.metric];
    const whole = this.whole && this.value(this.whole);
    if (!isInterval(ends) || !isNumber(whole) || (ends[0] <= whole && whole <= ends[1])) return null;
    return ends[1] < whole === this.lowerIsBetter ? "better" : "worse";
  }

  compare(one, other) {
    const of = { segment: (r) => r.segment, value: (r) => this.value(r), difference: (r) => this.difference(r),
      labelled: (r) => r.labelled, total: (r) => r.total, coverage: (r) => r.label_coverage }[this.sort.key];
    const [a, b] = [of(one), of(other)];
    const known = [a, b].map((value) => value !== null && value !== undefined);
    if (!known[0] || !known[1]) return known[1] - known[0] || one.segment.localeCompare(other.segment);
    const order = typeof a === "string" ? a.localeCompare(b) : a - b;
    return (this.sort.down ? -order : order) || one.segment.localeCompare(other.segment);
  }
}

function signed(value) {
  return isNumber(value) && value > 0 ? `+${number(value)}` : number(value);
}
