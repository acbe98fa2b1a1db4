"use strict";
// What the marks of the pictures mean. Marks that tell how a trial ends wait until it may be told.

const ENDS = new Set(["risk", "lost", "duplicated"]);
/** Marks in the diagram and in the logs: shapes in a box of 40 by 20, the label, and whether it tells of the end. */
const LEGEND = {
  lanes: [
    [["rect", { x: 1, y: 3, width: 38, height: 14, class: "leads e1" }], "legend-leads"],
    [["rect", { x: 1, y: 8, width: 38, height: 5, class: "insync" }], "legend-isr"],
    [["rect", { x: 1, y: 3, width: 38, height: 14, class: "owned" }], "legend-owns", "groups"],
    [["rect", { x: 1, y: 1, width: 38, height: 18, class: "band crash" }], "band-crash"],
    [["rect", { x: 1, y: 2, width: 38, height: 16, class: "band pause" }], "band-pause"],
    [["rect", { x: 1, y: 1, width: 38, height: 18, class: "band cut" }], "band-cut"],
    [["path", { d: "M18 0l8 6l-8 6l4 3V20", class: "zigzag" }], "legend-gap"],
    [["path", { d: "M6 8v4M12 8v4M14 8v4M22 8v4M32 8v4", class: "ticks" }], "legend-ticks"],
    [["line", { x1: 2, x2: 38, y1: 4, y2: 16, class: "arrow produce" }], "arrow-produce"],
    [["line", { x1: 2, x2: 38, y1: 4, y2: 16, class: "arrow ack" }], "arrow-ack"],
    [["line", { x1: 2, x2: 38, y1: 4, y2: 16, class: "arrow data" }], "arrow-data"],
    [["line", { x1: 2, x2: 38, y1: 4, y2: 16, class: "arrow delivery" }], "arrow-delivery", "consumers"],
    [["line", { x1: 2, x2: 38, y1: 4, y2: 16, class: "arrow dropped" }], "arrow-lost", "end"],
    [["path", { d: "M14 6h12l-6 8z", class: "stop say" }], "legend-caption"],
    ["①–④", "legend-moments", "end", "moment"],
    ["!", "legend-evidence", "end", "moment"],
  ],
  logs: [
    ["★", "legend-star"],
    [["rect", { x: 1, y: 1, width: 38, height: 18, class: "cell e2" }], "legend-epoch"],
    [["line", { x1: 20, x2: 20, y1: 0, y2: 20, class: "hw" }], "legend-hw"],
    [["line", { x1: 20, x2: 20, y1: 0, y2: 20, class: "leo" }], "legend-leo"],
    [["path", { d: "M15 15h10l-5 -8z", class: "belief" }], "legend-belief"],
    [["rect", { x: 2, y: 2, width: 36, height: 16, class: "cell e1 differs" }], "legend-differs"],
    ["▲c", "legend-position", "consumers", "position"],
    ["△g", "legend-committed", "groups", "committed-mark"],
  ],
};
const TERMS = ["offset", "leo", "isr", "hw", "epoch", "acks", "rebalance"];

function legendRow(shape, text, name) {
  const row = document.createElement("div"), s = el("svg", { viewBox: "0 0 40 20", "aria-hidden": "true" });
  if (typeof shape === "string") el("text", { x: 20, y: 16, "text-anchor": "middle", class: name || "" }, s, shape);
  else el(shape[0], shape[1], s);
  row.append(s, made("span", [text], "span"));
  return row;
}

/** The blocks of the legend: what may be shown by now, and what the trial has. */
function drawLegend(t, revealed, label) {
  const has = { groups: t.groups.length > 0, consumers: t.actors.some((a) => a.kind === "consumer"), end: revealed };
  const block = (head, rows) => { const e = document.createElement("div"); e.append(made("div", [label(head)], "span"), ...rows); return e; };
  const stages = STAGES.filter((name) => revealed || !ENDS.has(name)).map((name) => {
    const row = legendRow(["rect", { x: 1, y: 1, width: 38, height: 18, rx: 4, class: "fate " + name }], label(name === "lost" ? "legend-lost" : "stage-" + name));
    el("text", { x: 20, y: 16, "text-anchor": "middle", class: "on-" + name }, row.firstChild, name === "replicated" ? "2/3" : MARK[name]);
    return row;
  });
  const marks = (place) => LEGEND[place].filter(([, , when]) => !when || has[when]).map(([shape, key, , name]) => legendRow(shape, label(key), name));
  return [block("legend-records", stages), block("legend-lanes", marks("lanes")), block("legend-logs", marks("logs"))];
}

/** What the words mean, one sentence each. */
function drawTerms(label) {
  return TERMS.flatMap((name) => {
    const [, term, rest] = label("word-" + name).match(/^(.*?)[:：]\s*(.*)$/), parts = [["dt", term], ["dd", rest]];
    return parts.map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text }));
  });
}
