"use strict";
// Drawing the space-time diagram and the plots under it. Needs a document, holds no state.

const SVG = "http://www.w3.org/2000/svg", WIDE = 1240, LEFT = 92, RIGHT = 26, TOP = 46;
const MARK = { unsent: "", sent: "", leader: "▖", acked: "✓", replicated: "", committed: "●", consumed: "◉", risk: "!", lost: "✗", duplicated: "×2" };
const BAND = { crash: "✖", power: "⚡", stopped: "■", pause: "❚❚", cut: "✂", slow: "…", disk: "▤", rebalance: "⟳" };
const MOMENT = { promise: "①", risk: "②", decided: "③", gone: "④", prelude: "·", evidence: "!" };

const seconds = (us) => (us / 1e6).toFixed(3) + " s";
const grouped = (n) => n.toLocaleString("en");
const short = (us) => (us < 9.5e5 ? Math.round(us / 1000) + " ms" : (us / 1e6).toFixed(1) + " s");

function el(name, attributes, parent, text) {
  const e = document.createElementNS(SVG, name);
  for (const a in attributes) e.setAttribute(a, attributes[a]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}

const pen = document.createElement("canvas").getContext("2d"), widths = new Map();

/** How wide a text is; bold, so that there is room either way. */
function measured(text, size) {
  const key = size + text;
  if (!widths.has(key)) {
    if (!pen.family) pen.family = getComputedStyle(document.body).fontFamily;
    pen.font = `600 ${size}px ${pen.family}`;
    widths.set(key, pen.measureText(text).width);
  }
  return widths.get(key);
}

/** Writes texts where nothing is written yet: at the first of some places, or not at all. */
function placer(s) {
  const taken = [];
  return (spots, text, { size, anchor = "start", must = false, ...attributes }) => {
    const width = measured(text, size), part = { start: 0, middle: 0.5, end: 1 }[anchor];
    const box = ([x, y]) => {
      const x1 = Math.max(0, Math.min(WIDE - width, x - width * part));
      return { x1, x2: x1 + width, y1: y - size * 0.85, y2: y + size * 0.22 };
    };
    const free = (b) => taken.every((o) => b.x2 + 3 < o.x1 || o.x2 + 3 < b.x1 || b.y2 < o.y1 || o.y2 < b.y1);
    const boxes = spots.map(box), found = boxes.findIndex(free), at = found < 0 && must ? 0 : found;
    if (at < 0) return null;
    taken.push(boxes[at]);
    return el("text", { x: boxes[at].x1.toFixed(1), y: spots[at][1], ...attributes }, s, text);
  };
}

/** Maps times to places: linear, elastic (long calm gaps shrink) or one step per event. */
function timeScale(wanted, [from, to], inside) {
  const width = WIDE - LEFT - RIGHT, span = to - from;
  const marks = [...new Set([from, ...inside.filter((at) => from < at && at < to), to])].sort((a, b) => a - b);
  const steps = marks.slice(1).map((at, i) => at - marks[i]), long = steps.map((gap) => gap > span / 20);
  const count = long.filter(Boolean).length, calm = steps.reduce((sum, gap, i) => sum + (long[i] ? gap : 0), 0);
  const mode = wanted || (calm > span * 0.6 && marks.length > 4 ? "elastic" : "linear");
  let knots = [[from, 0], [to, 1]];
  const gaps = [];
  if (mode === "rank") knots = marks.map((at, i) => [at, i / (marks.length - 1)]);
  if (mode === "elastic" && count) {
    const share = Math.min(0.045, 0.5 / count), busy = Math.max(1, span - calm);
    let sum = 0;
    knots = [[from, 0], ...steps.map((gap, i) => {
      if (long[i]) gaps.push([marks[i], marks[i + 1]]);
      sum += long[i] ? share : (gap / busy) * (1 - share * count);
      return [marks[i + 1], sum];
    })];
  }
  const between = (value, a, b) => {
    let lo = 0, hi = knots.length - 1;
    while (hi - lo > 1) { const mid = (lo + hi) >> 1; if (knots[mid][a] <= value) lo = mid; else hi = mid; }
    const [p, q] = [knots[lo], knots[hi]], part = q[a] === p[a] ? 0 : (value - p[a]) / (q[a] - p[a]);
    return p[b] + part * (q[b] - p[b]);
  };
  return {
    mode, gaps, from, to,
    x: (time) => LEFT + width * between(Math.max(from, Math.min(to, time)), 0, 1),
    time: (x) => between(Math.max(0, Math.min(1, (x - LEFT) / width)), 1, 0),
  };
}

/** Round steps for the ruler of a stretch. */
function ticks(from, to, most) {
  const raw = Math.max(1, (to - from) / Math.max(1, most)), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw);
  const out = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) out.push(at);
  return out;
}

/** Where the ruler has marks: round times in busy stretches, any times in ranked order. */
function ruler(scale) {
  if (scale.mode === "rank") {
    const out = [];
    for (let x = LEFT; x <= WIDE - RIGHT; x += 120) out.push(Math.round(scale.time(x)));
    return out;
  }
  const ends = [scale.from, ...scale.gaps.flat(), scale.to], out = [];
  for (let i = 0; i + 1 < ends.length; i += 2) {
    const wide = scale.x(ends[i + 1]) - scale.x(ends[i]);
    if (wide > 24) out.push(...ticks(ends[i], ends[i + 1], wide / 100));
  }
  return out;
}

/** Where everything lies in the diagram: lanes, arrows, times. */
function layout(t, view) {
  const shown = lanes(t, view), n = shown.length, high = Math.max(27, Math.min(52, Math.floor(256 / n)));
  const row = new Map(shown.map((a, i) => [a, i])), top = (a) => TOP + high * row.get(a);
  const [from, to] = view.window, m = t.msgs;
  const all = concerned(t, view).filter((i) => row.has(m.f[i]) && row.has(m.o[i]) && t.msgTimes[i] <= view.wall);
  const inside = all.filter((i) => t.msgTimes[i] <= to && t.msgTimes[i] + Math.max(0, m.d[i]) >= from);
  const followed = view.follow === null ? () => false : cone(t, view.follow, view.partition);
  const kept = new Set(inside.filter(followed));
  const drawn = thin(t, inside, (i) => kept.has(i));
  const marks = [...drawn.map((i) => t.msgTimes[i]), ...view.near];
  for (const i of drawn) if (m.d[i] > late(t)) marks.push(t.msgTimes[i] + m.d[i]);
  for (let i = 0; i < t.kind.length; i++) if (KEY.has(t.kind[i]) && t.factTimes[i] <= view.wall) marks.push(t.factTimes[i]);
  const scale = timeScale(view.scale, view.window, marks);
  return {
    shown, row, high, top, y: (a) => top(a) + Math.max(high / 2, 18), from, to, inside, drawn, kept, scale, x: scale.x,
    bottom: TOP + high * n, clip: (at) => Math.max(from, Math.min(to, at)),
  };
}

function drawSpaceTime(t, view, label) {
  const lay = layout(t, view), { x, bottom, scale, shown, drawn, inside } = lay;
  const strips = view.strips ? stripRows(t) : [], high = bottom + strips.length * STRIP + 34;
  const s = el("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": view.aria, class: drawn.length > 300 ? "dense" : "" });
  const texts = el("g"), put = placer(texts), end = bottom + strips.length * STRIP;
  drawPatterns(s);
  for (const at of ruler(scale)) {
    el("line", { x1: x(at), x2: x(at), y1: TOP - 4, y2: end, class: "grid" }, s);
    put([[x(at), 15]], scale.mode === "rank" ? (at / 1e6).toFixed(2) + " s" : Number((at / 1e6).toFixed(6)) + " s", { size: 15, class: "small mute", anchor: "middle" });
  }
  for (const [a, b] of scale.gaps) {
    const mid = (x(a) + x(b)) / 2;
    el("path", { d: `M${mid - 4} ${TOP - 4}l8 6l-8 6l4 3V${end}`, class: "zigzag" }, s);
    if (b <= view.wall) put([[mid, end + 13]], short(b - a), { size: 14, class: "tiny mute", anchor: "middle" });
  }
  for (const a of shown) {
    el("line", { x1: LEFT, x2: WIDE - RIGHT, y1: lay.y(a), y2: lay.y(a), class: "lane" }, s);
    el("text", { x: LEFT - 10, y: lay.y(a) + 6, "text-anchor": "end", class: "name" }, s, t.actors[a].id);
  }
  drawLanes(t, s, view, lay, put, label);
  drawBands(t, s, view, lay, put, label);
  for (const i of drawn) drawArrow(t, s, i, view, lay, put);
  drawPins(t, s, view, lay, put);
  strips.forEach((strip, n) => drawStrip(t, s, strip, view, lay, bottom + n * STRIP, label));
  s.appendChild(texts);
  drawStops(s, view, lay);
  el("text", { x: LEFT, y: end + 29, class: "mute tiny" }, s, view.settings);
  const count = drawn.length < inside.length ? `${label("comma")}${grouped(drawn.length)} ${label("drawn")}` : "";
  const hidden = t.actors.length - shown.length, more = hidden > 0 ? ` · ${hidden} ${label("quietLanes")}` : "";
  if (view.revealed) el("text", { x: WIDE - RIGHT, y: end + 29, "text-anchor": "end", class: "mute tiny" }, s, `${grouped(inside.length)} ${label("messages")}${count}${more}`);
  el("rect", { class: "veil", x: LEFT, y: TOP - 26, width: 0, height: end - TOP + 41 }, s);
  el("line", { class: "cursor", x1: 0, x2: 0, y1: TOP - 24, y2: end }, s);
  return { svg: s, scale, right: WIDE - RIGHT };
}

function drawPatterns(s) {
  const defs = el("defs", {}, s);
  const tip = el("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, defs);
  el("path", { d: "M0 0L8 4L0 8z", fill: "context-stroke" }, tip);
  const hatch = el("pattern", { id: "hatch", width: 8, height: 8, patternTransform: "rotate(45)", patternUnits: "userSpaceOnUse" }, defs);
  el("line", { x1: 0, y1: 0, x2: 0, y2: 8, class: "hatch" }, hatch);
}

/** What lies on the lanes: who leads, who is in sync, who owns what, and ticks of quiet messages. */
function drawLanes(t, s, view, { row, top, y, x, from, to, clip, high }, put, label) {
  const visible = (one) => row.has(one.actor) && one.to >= from && one.from <= to && one.from <= view.wall;
  for (const one of stretches(t, view.partition).filter(visible)) {
    const x1 = x(clip(one.from)), width = Math.max(1, x(clip(one.to)) - x1), at = top(one.actor);
    if (one.kind === "isr") el("rect", { x: x1, y: at + high - 6, width, height: 5, class: "insync" }, s);
    else {
      el("rect", { x: x1, y: at + 1, width, height: 14, class: "leads e" + (one.epoch % 6) }, s);
      const long = `${label("leader")} e${one.epoch}`, text = width > measured(long, 14) + 8 ? long : "e" + one.epoch;
      if (width > measured(text, 14) + 6) put([[x1 + 4, at + 13]], text, { size: 14, class: "tiny" });
    }
  }
  for (const one of ownership(t).filter(visible)) {
    const x1 = x(clip(one.from)), x2 = x(clip(one.to)), at = top(one.actor);
    el("rect", { x: x1, y: at + 1, width: Math.max(1, x2 - x1), height: 14, class: "owned" }, s);
    let left = x1 + 2;
    for (const p of one.parts) {
      const text = t.partitions[p].id.split("-").pop(), wide = measured(text, 14) + 8;
      if (left + wide > x2) break;
      el("rect", { x: left, y: at + 1, width: wide - 2, height: 14, class: p === view.partition ? "block this" : "block" }, s);
      put([[left + 3, at + 13]], text, { size: 14, class: p === view.partition ? "tiny on-own" : "tiny" });
      left += wide;
    }
  }
  const quiet = quietMessages(t), marks = new Map();
  if (!view.quiet) for (let i = 0; i < t.msgTimes.length; i++) {
    const a = t.msgs.f[i], at = t.msgTimes[i];
    if (!quiet[i] || !row.has(a) || at < from || at > to || at > view.wall) continue;
    if (!marks.has(a)) marks.set(a, new Set());
    marks.get(a).add(Math.round(x(at) / 2) * 2);
  }
  for (const [a, all] of marks) el("path", { d: [...all].map((at) => `M${at} ${y(a) - 2}v4`).join(""), class: "ticks" }, s);
}

function drawBands(t, s, view, { row, top, x, from, to, clip, high }, put, label) {
  for (const band of t.bands) {
    if (band.t1 < from || band.t0 > to || band.t0 > view.wall) continue;
    const x1 = x(clip(band.t0)), width = Math.max(2, x(clip(band.t1)) - x1);
    const rows = [...band.who, ...band.against].filter((a) => row.has(a));
    if (!rows.length) continue;
    const name = { size: 14, class: "tiny bandname" };
    const texts = [`${BAND[band.kind]} ${label("band-" + band.kind)}`, BAND[band.kind]].filter((text) => measured(text, 14) + 6 < width);
    const write = (spots) => texts.some((text) => put(spots, text, name));
    if (band.kind === "cut" || band.kind === "slow") {
      const tops = rows.map(top), first = Math.min(...tops), last = Math.max(...tops) + high;
      el("rect", { x: x1, y: first + high / 2, width, height: Math.max(6, last - first - high), class: "band " + band.kind }, s);
      const spots = [];
      for (let y = first + high; y <= last; y += 8) spots.push([x1 + 4, y]);
      write(spots);
      continue;
    }
    for (const a of rows) {
      el("rect", { x: x1, y: top(a) + 1, width, height: high - 2, class: "band " + band.kind }, s);
      if (band.kind !== "rebalance" || a === rows[0]) write([[x1 + 4, top(a) + high - 8], [x1 + 4, top(a) + 14], [x1 + 40, top(a) + high - 8]]);
    }
  }
}

function drawArrow(t, s, i, view, { x, y, kept, drawn }, put) {
  const m = t.msgs, at = t.msgTimes[i], d = m.d[i], lost = d < 0, arrow = t.arrow[i];
  const unknown = at + (lost ? 30_000 : d) > view.wall; // it is still under way where the gate is
  if (lost && (at > t.end - 2e6 || unknown)) return;
  const x1 = x(at), y1 = y(m.f[i]), y2 = y(m.o[i]), x2 = lost ? x1 + 26 : x(at + d), share = lost ? 0.55 : 1;
  const kind = arrow === "data" && t.actors[m.o[i]].kind === "consumer" ? "delivery" : arrow;
  const followed = kept.has(i), faded = view.follow !== null && !followed ? " faded" : "";
  const classes = `arrow ${kind}${lost ? " dropped" : ""}${followed ? " followed" : ""}${faded}`;
  const end = { x: x1 + (x2 - x1) * share, y: y1 + (y2 - y1) * share };
  const line = el("line", { x1: x1.toFixed(1), y1, x2: end.x.toFixed(1), y2: end.y, class: classes, "data-i": i }, s);
  if (!lost) line.setAttribute("marker-end", "url(#tip)");
  el("circle", { cx: x1.toFixed(1), cy: y1, r: 2.4, class: classes }, s);
  if (faded) return;
  const down = y2 > y1;
  if (lost) put([[end.x - 5, end.y + 6]], "✗", { size: 16, class: "cross" });
  if (d > late(t) && Math.abs(x2 - x1) > 24 && arrow !== "fetch" && arrow !== "quiet" && !unknown) put([[x2 - 6, down ? y2 - 5 : y2 + 16], [x2 + 6, down ? y2 - 5 : y2 + 16]], "+" + short(d), { size: 14, class: "tiny late", anchor: "end" });
  if (arrow === "produce" && (drawn.length < 60 || followed)) put([[x1 + 5, down ? y1 + 15 : y1 - 6], [x1 - 5 - 9 * String(m.lo[i]).length, down ? y1 + 15 : y1 - 6]], "r" + m.lo[i] + (m.n[i] > 1 ? "…" : ""), { size: 14, class: "tiny recordname" });
}

/** The four moments of the record that is followed, on the lanes where they happen. */
function drawPins(t, s, view, { row, y, x, from, to, bottom }, put) {
  const loss = view.revealed ? t.loss.get(view.follow) : undefined;
  if (!loss) return;
  const who = places(t, loss);
  loss.t.forEach((at, n) => {
    if (at < from || at > to) return;
    el("line", { x1: x(at), x2: x(at), y1: TOP - 4, y2: bottom, class: "pin" }, s);
    const mid = row.has(who[n]) ? y(who[n]) : TOP + 12;
    put([[x(at) + 3, mid - 4], [x(at) - 21, mid - 4], [x(at) + 3, mid + 17], [x(at) - 21, mid + 17]], "①②③④"[n], { size: 18, class: "moment" });
  });
}

/** Where a lecture stops: triangles for captions, numbers for moments, moved apart. */
function drawStops(s, view, { x, from, to }) {
  let free = 0;
  for (const stop of view.stops) {
    if (stop.t < from || stop.t > to) continue;
    const at = x(stop.t), attributes = { "data-at": stop.t, "data-kind": stop.kind };
    if (stop.kind === "say") {
      el("path", { d: `M${at - 6} ${TOP - 12}h12l-6 8z`, class: "stop say", ...attributes }, s);
      continue;
    }
    if (stop.kind === "evidence" && at < free - 30) continue; // there may be a lot
    const place = Math.min(WIDE - 10, Math.max(at, free));
    free = place + 19;
    if (place > at + 1) el("line", { x1: place, x2: at, y1: TOP - 13, y2: TOP - 5, class: "lead" }, s);
    el("text", { x: place, y: TOP - 14, "text-anchor": "middle", class: "stop moment", ...attributes }, s, MOMENT[stop.kind]);
  }
}
