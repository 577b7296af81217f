/** The JSON API and its stream of server-sent events. */

import { EventLines } from "./events.js";

const TOKEN = "hindcast-token";
const RETRY_MS = 2_000;
const PAGE = 2_000;

/** What the server refused, in its own words. status 0: it did not answer at all. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Api {
  /** base: the path below which /api/v1 stands. */
  constructor(base) {
    this.base = `${base}/api/v1`;
  }

  /** One page of a list: {items, next}. */
  async list(name, parameters = {}, signal = undefined) {
    return this.get(`/${name}${search(parameters)}`, signal);
  }

  /** All items of a list, at most `limit`. */
  async all(name, parameters = {}, limit = 10_000, signal = undefined) {
    const found = [];
    let cursor = null;
    do {
      const page = await this.list(name, { ...parameters, limit: Math.min(PAGE, limit - found.length), cursor }, signal);
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null && found.length < limit);
    return found;
  }

  /** Any JSON of the API. */
  async get(path, signal = undefined) {
    return (await this.request(path, { signal })).json();
  }

  /** Send JSON; what is answered. */
  async post(path, body) {
    const headers = { "Content-Type": "application/json" };
    return (await this.request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /** The address of a list as CSV, for a link. */
  csv(name, parameters = {}) {
    return `${this.base}/${name}${search({ ...parameters, format: "csv" })}`;
  }

  /** Remember the bearer token for as long as the tab is open. */
  signIn(token) {
    sessionStorage.setItem(TOKEN, token);
  }

  async request(path, options = {}) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    let answer;
    try {
      answer = await fetch(this.base + path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, "Hindcast does not answer");
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({ errors: [] }));
    throw new ApiError(answer.status, told.errors?.map((one) => one.message).join("; ") || answer.statusText);
  }

  /**
   * Follow the stream until `signal` aborts. on.event(kind, record), on.reset() after a gap, on.live(true or false).
   * Not EventSource: that cannot send a bearer token.
   */
  async follow(parameters, on, signal) {
    let last = null;
    while (!signal.aborted) {
      try {
        const headers = last === null ? {} : { "Last-Event-ID": last };
        const answer = await this.request(`/stream${search(parameters)}`, { headers, signal, cache: "no-store" });
        on.live(true);
        const lines = new EventLines((kind, data, id) => {
          last = id;
          if (kind === "reset") on.reset();
          else if (kind !== "hello") on.event(kind, JSON.parse(data));
        });
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let read = await reader.read(); !read.done; read = await reader.read()) lines.add(read.value);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError) && !(error instanceof TypeError)) throw error;
      }
      on.live(false);
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

function search(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
