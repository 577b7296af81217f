/** How many labels have come, how many are to be expected, and how long they take. */

import { colour, draw, faint, figure } from "../charts.js";
import { axisTime, duration, isNumber, percent, time } from "../format.js";

const MINUTE_MS = 60_000;
const MARKED = 300; // each mark is an element of the document

export function coverage() {
  const panel = figure("Label coverage", "share of predictions that have their label");
  return { root: panel.root, show(records, range) {
    draw(panel.chart, () => [
      area(records, "label_coverage", "labels that came"),
      { ...area(records, "expected_share", "expected by now"), fill: "none", line: { color: colour("series-2"), dash: "dash", width: 1.5 } },
    ], { description: `Label coverage over time: ${percent(records.findLast((one) => isNumber(one.label_coverage))?.label_coverage)} in the newest window`,
      layout: () => ({ showlegend: true, xaxis: { type: "date", range }, yaxis: { tickformat: ".0%", rangemode: "tozero" } }),
      words: panel.words, columns: ["window", "coverage", "expected", "of those due"],
      rows: () => [...records].reverse().map((one) => [time(one.window_end), percent(one.label_coverage), percent(one.expected_share), percent(one.maturity)]) });
  } };
}

/** Coverage by the age that a window had when its record was written: the delay of labels as it shows. */
export function delay() {
  const panel = figure("Label delay", "share of labels by age of the window");
  return { root: panel.root, show(records, newest) {
    const points = records.filter((one) => one.total && isNumber(one.label_coverage)).map((one) => ({
      age: (Date.parse(one.emitted_at) - Date.parse(one.window_end)) / MINUTE_MS, ...one }))
      .filter(({ age }) => age >= 0).sort((a, b) => a.age - b.age);
    const step = Math.ceil(points.length / MARKED);
    const marked = points.filter((_, i) => i % step === 0);
    const told = newest?.label_latency_seconds;
    panel.note.textContent = told ? `half within ${duration(told.p50)}, 95 % within ${duration(told.p95)}` : "no labels yet";
    draw(panel.chart, () => [
      { type: "scatter", mode: "markers", name: "windows", x: marked.map(({ age }) => age), y: marked.map((one) => one.label_coverage),
        marker: { size: 4, color: faint("series-1", 0.5) }, hovertemplate: "%{x:.0f} min: %{y:.0%}<extra></extra>" },
      { type: "scatter", mode: "lines", name: "expected", x: points.map(({ age }) => age), y: points.map((one) => one.expected_share ?? null),
        line: { color: colour("series-2"), dash: "dash", width: 1.5 }, hovertemplate: "%{x:.0f} min: %{y:.0%} expected<extra></extra>" },
    ], { description: "Share of labels that have come, by the age of the window when its record was written",
      layout: () => ({ showlegend: true, xaxis: { title: { text: "age of the window, minutes" }, rangemode: "tozero" }, yaxis: { tickformat: ".0%", rangemode: "tozero" } }),
      words: panel.words, columns: ["age", "labels that came", "expected"],
      rows: () => points.map((one) => [duration(one.age * 60), percent(one.label_coverage), percent(one.expected_share)]) });
  } };
}

export function throughput() {
  const panel = figure("Predictions", "a second");
  return { root: panel.root, show(records, range) {
    draw(panel.chart, () => [area(records, "throughput_per_second", "predictions a second", "%{y:.2f}/s")],
      { description: "Predictions a second over time", layout: () => ({ xaxis: { type: "date", range }, yaxis: { rangemode: "tozero" } }),
        words: panel.words, columns: ["window", "predictions"], rows: () => [...records].reverse().map((one) => [time(one.window_end), one.total]) });
  } };
}

function area(records, name, title, hover = "%{y:.0%}") {
  return { type: "scatter", mode: "lines", name: title, fill: "tozeroy", fillcolor: faint("series-1", 0.12),
    line: { color: colour("series-1"), width: 1.6 }, x: records.map((one) => axisTime(one.window_end)),
    y: records.map((one) => one[name] ?? null), hovertemplate: `${hover}<extra></extra>` };
}
