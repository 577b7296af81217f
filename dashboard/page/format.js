/** Numbers and times as a reader wants them. What is undefined is "–", never 0. */

export const NOTHING = "–";
const MINUTE_MS = 60_000;
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** 0.912, 14.20, 1,234: three digits behind the point, of big numbers fewer. */
export function number(value) {
  if (!isNumber(value)) return NOTHING;
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size > 0 && size < 0.0005) return value.toExponential(1);
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

/** 0.912 [0.90, 0.92] */
export function interval(value, ends) {
  if (!isNumber(value) || !isInterval(ends)) return number(value);
  return `${number(value)} ${range(ends)}`;
}

/** [0.90, 0.92]: one digit fewer than the value, as nobody reads the third of an end. */
export function range(ends) {
  return isInterval(ends) ? `[${short(ends[0])}, ${short(ends[1])}]` : "";
}

/** 1234567 as 1.23 M */
export function count(value) {
  if (!isNumber(value)) return NOTHING;
  for (const [size, unit] of [[1e9, " G"], [1e6, " M"], [1e5, " k"]]) {
    if (Math.abs(value) >= size) return (value / (size === 1e5 ? 1e3 : size)).toPrecision(3) + unit;
  }
  return Math.round(value).toLocaleString("en-US");
}

/** A share as 42 % */
export function percent(share) {
  if (!isNumber(share)) return NOTHING;
  const hundredths = share * 100;
  return `${hundredths !== 0 && Math.abs(hundredths) < 10 ? hundredths.toFixed(1) : Math.round(hundredths)} %`;
}

/** Seconds as 35 ms, 12 s, 4.5 min, 3.2 h, 2.1 d */
export function duration(seconds) {
  if (!isNumber(seconds)) return NOTHING;
  const size = Math.abs(seconds);
  if (size > 0 && size < 1) return `${trim(seconds * 1000)} ms`;
  if (size < 90) return `${trim(seconds)} s`;
  if (size < 90 * 60) return `${trim(seconds / 60)} min`;
  if (size < 48 * 3600) return `${trim(seconds / 3600)} h`;
  return `${trim(seconds / 86400)} d`;
}

/** 12.3/s, or of few 4.2/min */
export function rate(perSecond) {
  if (!isNumber(perSecond)) return NOTHING;
  return perSecond >= 1 || perSecond === 0 ? `${trim(perSecond)}/s` : `${trim(perSecond * 60)}/min`;
}

/** An ISO time as 14:05, on another day 20 Nov 14:05; the reader's own time zone. */
export function time(iso, now_ms = Date.now()) {
  if (!iso) return NOTHING;
  const at = new Date(iso);
  const today = new Date(now_ms);
  const isToday = at.getDate() === today.getDate() && Math.abs(now_ms - at.getTime()) < 86_400_000;
  return isToday ? CLOCK.format(at) : `${DAY.format(at)} ${CLOCK.format(at)}`;
}

/** An ISO time, or one in ms, as charts take it: dates are shown in the reader's own time zone, and need no parsing. */
export function axisTime(when) {
  return new Date(when);
}

/** How long ago, as "3 min ago" */
export function ago(iso, now_ms) {
  if (!iso) return NOTHING;
  const passed_ms = now_ms - Date.parse(iso);
  return passed_ms < MINUTE_MS ? "just now" : `${duration(passed_ms / 1000)} ago`;
}

/** 60s, 1h as milliseconds; null for spans that are no duration (1000 labelled). */
export function span_ms(span) {
  const found = /^(\d+)(s|m|h|d)$/.exec(span);
  return found ? Number(found[1]) * { s: 1_000, m: MINUTE_MS, h: 3_600_000, d: 86_400_000 }[found[2]] : null;
}

/** Metrics as people write them. */
export function metricTitle(name) {
  const known = { f1: "F1", auc: "AUC", rmse: "RMSE", mae: "MAE", mse: "MSE", r2: "R²", mape: "MAPE", ece: "ECE",
    f1_macro: "F1 (macro)", log_loss: "log loss" };
  return known[name] ?? name.replaceAll("_", " ");
}

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function isInterval(ends) {
  return Array.isArray(ends) && ends.length === 2 && ends.every(isNumber);
}

function short(value) {
  const size = Math.abs(value);
  return size >= 1000 ? number(value) : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function trim(value) {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(2)));
}
