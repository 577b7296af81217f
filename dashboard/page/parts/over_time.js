/** A metric over time: its interval as a band, what may still change drawn otherwise than what is final. */

import { colour, faint } from "../charts.js";
import { axisTime, interval, isInterval, isNumber, metricTitle, number, time } from "../format.js";

const MARKED = 120; // each mark is an element of the document
const NAMED = 4; // more names than that would lie on one another

/** What stands behind a chart over time: alerts as bands, deployments and thresholds as lines. */
export function backdrop({ incidents, deployments, lines, until }) {
  const shapes = [];
  const annotations = [];
  for (const one of incidents) {
    const tone = one.severity === "critical" ? "bad" : one.severity === "warning" ? "warn" : "quiet";
    shapes.push({ type: "rect", xref: "x", yref: "paper", x0: axisTime(one.starts_at), x1: axisTime(one.ends_at ?? until),
      y0: 0, y1: 1, fillcolor: faint(tone, 0.1), line: { width: 0 }, layer: "below" });
    if (incidents.length <= NAMED) {
      annotations.push({ x: axisTime(one.starts_at), xref: "x", xanchor: "left", y: 0, yref: "paper", yanchor: "bottom",
        showarrow: false, text: plain(one.rule), font: { size: 11, color: colour(tone) } });
    }
  }
  for (const one of deployments) {
    shapes.push({ type: "line", xref: "x", yref: "paper", x0: axisTime(one.since), x1: axisTime(one.since), y0: 0, y1: 1,
      line: { color: colour("series-4"), width: 1.5, dash: "dot" } });
    annotations.push({ x: axisTime(one.since), xref: "x", xanchor: "left", y: 1, yref: "paper", yanchor: "bottom", showarrow: false,
      text: plain(`${one.model_version} deployed`), font: { size: 11, color: colour("series-4") } });
  }
  for (const one of lines) {
    const tone = one.kind === "baseline" ? "series-3" : one.severity === "critical" ? "bad" : "warn";
    shapes.push({ type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: one.value, y1: one.value,
      line: { color: colour(tone), width: 1.2, dash: one.kind === "baseline" ? "longdash" : "dash" } });
    const says = one.kind === "baseline" ? `baseline ${number(one.value)}` : `${one.rule} ${number(one.value)}`;
    annotations.push({ x: 1, xref: "paper", xanchor: "right", y: one.value, yref: "y", yanchor: "bottom",
      showarrow: false, text: plain(says), font: { size: 11, color: colour(tone) } });
  }
  return { shapes, annotations };
}

/** Traces of a metric: the band, then the final windows, then the provisional ones, which begin where those end. */
export function metricTraces(records, name, { of = (record) => record, tone = "series-1", title = metricTitle(name) } = {}) {
  const rows = records.map((record) => ({ record, value: of(record)?.metrics?.[name], ends: of(record)?.intervals?.[name] }));
  const final = rows.findLastIndex(({ record }) => record.final);
  const line = { color: colour(tone), width: 1.8 };
  return [
    ...bands(rows, tone),
    trace(rows.slice(0, final + 1), title, { line }),
    trace(rows.slice(Math.max(final, 0)), `${title}, provisional`, { line: { ...line, width: 1.5, dash: "3px,2px" },
      mode: rows.length - final < MARKED ? "lines+markers" : "lines", marker: { size: 2.5, color: colour(tone) } }),
  ];
}

/** The part of the value axis that is worth seeing: windows with hardly any label shall not flatten the rest. */
export function valueRange(records, name, lines) {
  const usual = Math.max(0, ...records.map((one) => one.labelled));
  const told = records.filter((one) => one.labelled * 10 >= usual);
  const values = told.map((one) => one.metrics?.[name]).filter(isNumber);
  const ends = told.map((one) => one.intervals?.[name]).filter(isInterval);
  const all = [...values, quantile(ends.map(([low]) => low), 0.05), quantile(ends.map(([, high]) => high), 0.95),
    ...lines.map((one) => one.value)].filter(isNumber);
  if (!all.length) return undefined;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  return [low - room, high + room];
}

function quantile(values, share) {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)];
}

/** The same as rows of a table, newest first. */
export function metricRows(records, name) {
  return [...records].reverse().map((record) => [time(record.window_end),
    interval(record.metrics[name], record.intervals?.[name]), record.final ? "final" : "provisional"]);
}

function trace(rows, name, look) {
  return { type: "scatter", mode: "lines", name, x: rows.map(({ record }) => axisTime(record.window_end)),
    y: rows.map(({ value }) => (isNumber(value) ? value : null)), hovertemplate: "%{y:.4~f}<br>%{customdata}<extra></extra>",
    customdata: rows.map(({ ends, record }) => plain(`${isInterval(ends) ? `95 %: ${number(ends[0])} to ${number(ends[1])}, ` : ""}`
      + `${record.labelled} labels${record.final ? "" : ", provisional"}`)), ...look };
}

/** One closed outline for each run of windows that have an interval: gaps stay gaps. */
function bands(rows, tone) {
  const found = [];
  let run = [];
  for (const row of [...rows, { ends: null }]) {
    if (isInterval(row.ends)) run.push(row);
    else {
      if (run.length > 1) found.push(run);
      run = [];
    }
  }
  const x = (row) => axisTime(row.record.window_end);
  return found.map((part) => ({ type: "scatter", mode: "lines", fill: "toself", fillcolor: faint(tone), line: { width: 0 },
    hoverinfo: "skip", x: [...part.map(x), ...part.map(x).reverse()],
    y: [...part.map(({ ends }) => ends[1]), ...part.map(({ ends }) => ends[0]).reverse()] }));
}

/** Names come from records: Plotly reads some HTML in its texts, so what could be a tag or entity is none. */
export function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
