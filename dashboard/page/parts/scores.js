/** What scores are worth: calibration, their histograms by class, ROC and precision-recall from these. */

import { colour, draw, faint, figure } from "../charts.js";
import { count, number, percent } from "../format.js";

export function calibration() {
  const panel = figure("Calibration", "do scores mean what they say? Bars: how many labels");
  return { root: panel.root, show(rows) {
    panel.root.hidden = !rows.length; // nothing is labelled: the numbers above say so
    draw(panel.chart, () => [
      { type: "bar", yaxis: "y2", x: rows.map(middle), y: rows.map((one) => one.count), width: rows.map((one) => (one.upper - one.lower) * 0.9),
        marker: { color: faint("series-6", 0.3) }, name: "labels", hovertemplate: "%{y:,} labels<extra></extra>" },
      { type: "scatter", mode: "lines", x: [0, 1], y: [0, 1], line: { color: colour("quiet"), dash: "dot", width: 1 }, hoverinfo: "skip", name: "perfect" },
      { type: "scatter", mode: "lines+markers", x: rows.map((one) => one.mean_score), y: rows.map((one) => one.positive_rate), name: "observed",
        line: { color: colour("series-1"), width: 2 }, marker: { size: 7 },
        hovertemplate: "mean score %{x:.3f}<br>%{y:.1%} were positive<extra></extra>" },
    ], { height: 280, description: `Reliability diagram of ${rows.length} bins: share of positives by mean score`,
      layout: () => ({ xaxis: { title: { text: "mean score" }, range: [0, 1] }, yaxis: { title: { text: "share of positives" }, range: [0, 1.02], tickformat: ".0%" },
        yaxis2: { overlaying: "y", side: "right", visible: false, range: [0, 3 * Math.max(1, ...rows.map((one) => one.count))] } }),
      words: panel.words, columns: ["scores", "labels", "mean score", "positives"],
      rows: rows.map((one) => [`${one.lower} to ${one.upper}`, count(one.count), number(one.mean_score), percent(one.positive_rate)]) });
  } };
}

export function histogram() {
  const panel = figure("Scores by class", "of labelled predictions; share of each class in a bin of 0.01");
  return { root: panel.root, show({ lower, negatives, positives }) {
    const [n, p] = [sum(negatives), sum(positives)];
    panel.root.hidden = n + p === 0;
    const bars = (counts, whole, name, tone) => ({ type: "bar", name, x: lower.map((one) => one + 0.005), y: counts.map((one) => one / (whole || 1)),
      customdata: counts, width: 0.01, marker: { color: faint(tone, 0.55) }, hovertemplate: `%{x:.3f}: %{customdata:,} ${name}<extra></extra>` });
    draw(panel.chart, () => [bars(negatives, n, "negatives", "series-1"), bars(positives, p, "positives", "series-2")],
      { height: 280, description: `Histogram of scores: ${count(n)} negatives and ${count(p)} positives`,
        layout: () => ({ barmode: "overlay", showlegend: true, xaxis: { title: { text: "score" }, range: [0, 1] }, yaxis: { tickformat: ".0%" } }),
        words: panel.words, columns: ["score from", "negatives", "positives"], rows: () => lower.map((one, i) => [one, negatives[i], positives[i]]) });
  } };
}

/** ROC and precision-recall: each bin's lower end is a threshold. */
export function curves() {
  const roc = figure("ROC", "each point is a threshold");
  const recall = figure("Precision and recall", "each point is a threshold");
  return { roots: [roc.root, recall.root], show(histogram) {
    const points = thresholds(histogram);
    roc.root.hidden = recall.root.hidden = !points.length;
    const [last] = points.slice(-1);
    one(roc, points, "fpr", "tpr", "false positive rate", "true positive rate (recall)", [[0, 1], [0, 1]]);
    const usual = last ? last.precision : null;
    one(recall, points.filter(({ precision }) => precision !== null), "tpr", "precision", "recall", "precision", [[0, 1], [usual, usual]]);
  } };
}

/** {threshold, tpr, fpr, precision} from the highest threshold to 0; empty where a class has no records. */
export function thresholds({ lower, negatives, positives }) {
  const [n, p] = [sum(negatives), sum(positives)];
  if (!n || !p) return [];
  const found = [{ threshold: 1, tpr: 0, fpr: 0, precision: null }];
  let [fp, tp] = [0, 0];
  for (let i = lower.length - 1; i >= 0; i--) {
    fp += negatives[i];
    tp += positives[i];
    found.push({ threshold: lower[i], tpr: tp / p, fpr: fp / n, precision: tp / (tp + fp) });
  }
  return found;
}

function one(panel, points, x, y, xTitle, yTitle, [ax, ay]) {
  draw(panel.chart, () => [
    { type: "scatter", mode: "lines", x: ax, y: ay, line: { color: colour("quiet"), dash: "dot", width: 1 }, hoverinfo: "skip" },
    { type: "scatter", mode: "lines", x: points.map((one) => one[x]), y: points.map((one) => one[y]), customdata: points.map((one) => one.threshold),
      line: { color: colour("series-1"), width: 2 }, hovertemplate: `threshold %{customdata:.2f}<br>${xTitle} %{x:.3f}<br>${yTitle} %{y:.3f}<extra></extra>` },
  ], { height: 280, description: `${yTitle} by ${xTitle}, at ${points.length} thresholds`,
    layout: () => ({ xaxis: { title: { text: xTitle }, range: [0, 1.01] }, yaxis: { title: { text: yTitle }, range: [0, 1.02] } }),
    words: panel.words, columns: ["threshold", xTitle, yTitle], rows: () => points.map((one) => [one.threshold, number(one[x]), number(one[y])]) });
}

function middle(row) {
  return (row.lower + row.upper) / 2;
}

function sum(values) {
  return values.reduce((all, one) => all + one, 0);
}
