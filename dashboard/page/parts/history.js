/** The windows of one version (or one segment of it) over the chosen time, kept up to date by the stream. */

import { span_ms } from "../format.js";

export const FIELDS = ["total", "labelled", "label_coverage", "expected_share", "maturity", "throughput_per_second",
  "metrics", "intervals", "estimated", "emitted_at", "label_latency_seconds"];
const DAY_MS = 86_400_000;

export class History {
  /** item: of /models; range: as "6h". */
  constructor(item, segment, range) {
    Object.assign(this, { item, segment, range, windows: new Map() });
    this.span = item.window?.span ?? "";
    this.until_ms = item.window ? Date.parse(item.window.window_end) : 0;
  }

  /** Where the chosen time begins: so long before the end of the newest window, whatever the clock says. */
  get since_ms() {
    return this.until_ms - (span_ms(this.range) ?? DAY_MS);
  }

  get since() {
    return new Date(this.since_ms).toISOString();
  }

  /** The windows, oldest first. */
  get records() {
    return [...this.windows.keys()].sort().map((start) => this.windows.get(start));
  }

  async load(api, signal) {
    const found = await api.all("metrics", { model: this.item.model, version: this.item.model_version, span: this.span,
      segment: this.segment, since: this.since, fields: FIELDS.join(",") }, 20_000, signal);
    for (const record of found) this.windows.set(record.window_start, record);
  }

  /** Take in a record of the stream; whether it is one of ours. */
  add(record) {
    const mine = record.model === this.item.model && record.model_version === this.item.model_version
      && record.segment === this.segment && record.span === this.span;
    if (!mine || (this.windows.get(record.window_start)?.revision ?? -1) > record.revision) return false;
    this.windows.set(record.window_start, record);
    this.until_ms = Math.max(this.until_ms, Date.parse(record.window_end));
    for (const [start, old] of this.windows) {
      if (Date.parse(old.window_end) <= this.since_ms) this.windows.delete(start);
    }
    return true;
  }
}
