/** A text as Plotly shows it, which reads some HTML in its texts: names come from records, and are only ever text. */
export function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
