/** The confusion table: what was predicted, by what was true. */

import { h, replace, table } from "../dom.js";
import { count, number, percent } from "../format.js";

const CELLS = { tp: ["positive", "positive"], fn: ["positive", "negative"], fp: ["negative", "positive"], tn: ["negative", "negative"] };

export function confusion() {
  const root = h("section", { class: "panel" });
  return { root, show(counts) {
    const rows = named(counts ?? {});
    const classes = [...new Set(Object.entries(rows).flatMap(([actual, row]) => [actual, ...Object.keys(row)]))]
      .sort((a, b) => total(rows[b]) - total(rows[a]));
    if ("positive" in rows) classes.sort().reverse();
    root.classList.toggle("wide", classes.length > 2);
    replace(root, h("h3", {}, "Confusion"), classes.length ? [matrix(rows, classes),
      classes.length > 2 ? perClass(rows, classes) : null] : h("p", { class: "quiet" }, "No labels in this time."));
  } };
}

/** Of two classes as of several: {actual: {predicted: n}}. */
function named(counts) {
  if (!("tp" in counts && typeof counts.tp === "number")) return counts;
  const found = { positive: {}, negative: {} };
  for (const [cell, [actual, predicted]] of Object.entries(CELLS)) found[actual][predicted] = counts[cell];
  return found;
}

function matrix(rows, classes) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion table" }, h("table", { class: "confusion" },
    h("caption", {}, "Labelled predictions, and their share of the true class"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "true \\ predicted"), classes.map((one) => h("th", { scope: "col", class: "number" }, one)))),
    h("tbody", {}, classes.map((actual) => {
      const row = rows[actual] ?? {};
      const whole = total(row);
      return h("tr", {}, h("th", { scope: "row" }, actual), classes.map((predicted) => {
        const n = row[predicted] ?? 0;
        const cell = h("td", { class: `number ${actual === predicted ? "right" : "wrong"}` }, count(n),
          h("small", {}, whole ? percent(n / whole) : "–"));
        cell.style.setProperty("--share", whole ? n / whole : 0);
        return cell;
      }));
    }))));
}

/** Each class against the rest, as the table above says it. */
function perClass(rows, classes) {
  const right = (one) => rows[one]?.[one] ?? 0;
  const predicted = (one) => Object.values(rows).reduce((all, row) => all + (row[one] ?? 0), 0);
  const ratio = (n, of) => (of ? n / of : null);
  return table("Classes", [
    { title: "class", header: true, cell: (one) => one },
    { title: "labels", number: true, cell: (one) => count(total(rows[one])) },
    { title: "precision", number: true, cell: (one) => number(ratio(right(one), predicted(one))) },
    { title: "recall", number: true, cell: (one) => number(ratio(right(one), total(rows[one]))) },
    { title: "F1", number: true, cell: (one) => number(ratio(2 * right(one), predicted(one) + total(rows[one]))) },
  ], classes);
}

function total(row) {
  return Object.values(row ?? {}).reduce((all, n) => all + n, 0);
}
