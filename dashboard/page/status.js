/** Whether what is shown is live: a word in the header, and a banner where something is wrong. */

import { h, replace } from "./dom.js";
import { percent } from "./format.js";

const LOOK_MS = 5_000;

export class Status {
  constructor(word, banner, api) {
    Object.assign(this, { word, banner, api, isLive: false, told: null });
  }

  /** Whether the stream is open. */
  live(isLive) {
    this.isLive = isLive;
    this.look();
  }

  /** Look at the server's own status now and then. */
  watch() {
    this.look();
    setInterval(() => document.hidden || this.look(), LOOK_MS);
  }

  async look() {
    try {
      this.show(await this.api.get("/status"));
    } catch (error) {
      this.show({ reading: true, caught_up: true, problem: error.status === 401 ? null : error.message });
    }
  }

  show({ reading, caught_up: caughtUp, share_read: share, problem, missing_topics: missing = [] }) {
    const state = problem || !reading ? "broken" : !caughtUp ? "loading" : this.isLive ? "live" : "waiting";
    const words = { broken: "Not live", loading: `Reading, ${percent(share)}`, live: "Live", waiting: "Connecting…" }[state];
    if (this.word.textContent !== words) replace(this.word, words);
    this.word.dataset.state = state;
    const all = [];
    if (problem) all.push(`${capital(problem)}. What you see is what was read until then; it goes on by itself.`);
    else if (missing.length) all.push(`Topics that are not there yet: ${missing.join(", ")}.`);
    if (!caughtUp && !problem) all.push(`The last day is being read: ${percent(share)}.`);
    const said = all.join(" ");
    if (said !== this.told) replace(this.banner, said ? h("p", {}, said) : null);
    this.told = said;
    this.banner.hidden = !said;
  }
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
