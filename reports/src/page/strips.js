"use strict";
// Plots under the diagram, on its time axis: ISR size, the leader's log, lag of groups.

const STRIP = 58;

/** Which plots a trace has. */
function stripRows(t) {
  return t.groups.length ? ["isrsize", "leaderlog", "laggroups"] : ["isrsize", "leaderlog"];
}

/** The lines of a plot: steps of time and value, a class, a name. */
function stripLines(t, name, partition, label) {
  const all = series(t, partition);
  switch (name) {
    case "isrsize": return [{ steps: all.isr, class: "isr", name: "ISR" }];
    case "leaderlog": return [{ steps: all.hw, class: "hwline", name: "HW" }, { steps: all.end, class: "leoline", name: "LEO" }];
    default: return all.lags.map((steps, g) => ({ steps, class: "lag" + (g % 3), name: `${label("lag")} ${t.groups[g].id}` }));
  }
}

function drawStrip(t, s, name, view, { x, from, to }, top, label) {
  const lines = stripLines(t, name, view.partition, label), base = top + STRIP - 4, room = STRIP - 22;
  const shown = lines.map((line) => ({ ...line, steps: line.steps.filter(([at]) => at <= Math.min(to, view.wall)) }));
  const most = Math.max(1, ...shown.flatMap((line) => line.steps.map(([, value]) => value)));
  const y = (value) => base - (value / most) * room, end = Math.min(to, view.wall);
  el("line", { x1: LEFT, x2: WIDE - RIGHT, y1: base, y2: base, class: "lane" }, s);
  el("text", { x: LEFT - 10, y: base - 4, "text-anchor": "end", class: "tiny mute" }, s, "0");
  el("text", { x: LEFT - 10, y: top + 22, "text-anchor": "end", class: "tiny mute" }, s, grouped(most));
  el("text", { x: LEFT + 4, y: top + 13, class: "tiny bandname" }, s, `${label("strip-" + name)}  (${lines.map((line) => line.name).join(", ")})`);
  for (const line of shown) {
    let value = 0, d = `M${x(from).toFixed(1)} ${base}`, last = "";
    for (const [at, next] of line.steps) {
      if (at >= from) {
        const place = x(at).toFixed(1);
        if (place !== last) d += `H${place}`;
        d += `V${y(next).toFixed(1)}`;
        last = place;
      } else d = `M${x(from).toFixed(1)} ${y(next).toFixed(1)}`;
      value = next;
    }
    el("path", { d: `${d}H${x(end).toFixed(1)}`, class: "strip " + line.class, "data-last": value }, s);
  }
}
