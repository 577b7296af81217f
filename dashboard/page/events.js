/** Server-sent events out of pieces of text. */

export class EventLines {
  /** told(kind, data, id) for each event. */
  constructor(told) {
    this.told = told;
    this.rest = "";
  }

  /** Take in a piece of text; an event may be spread over several of them. */
  add(text) {
    const events = (this.rest + text).split("\n\n");
    this.rest = events.pop();
    for (const event of events) {
      const fields = Object.fromEntries(event.split("\n").map((line) => split(line)));
      if (fields.event) this.told(fields.event, fields.data ?? "", fields.id ?? null);
    }
  }
}

function split(line) {
  const at = line.indexOf(":");
  return [line.slice(0, at), line.slice(at + 2)];
}
