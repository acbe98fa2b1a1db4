"use strict";
// Drawing the replicas' logs at the cursor, and what has become of each record.

const COLUMNS = 24, CELL = 38, STEP = 54, LOGS_TOP = 46;

/** Which record lies at each offset of a replica, with its leader epoch. */
function cells(t, replica, from, to) {
  const out = new Map();
  for (const [number, kept] of replica.batches) {
    const b = t.batchList[number];
    for (let i = Math.max(0, from - b.base); i < Math.min(kept, to - b.base); i++) out.set(b.base + i, [b.uids[i], b.epoch]);
  }
  return out;
}

/** How many records of each epoch lie left of the columns. */
function folded(t, replica, from) {
  const counts = new Map();
  for (const [number, kept] of replica.batches) {
    const b = t.batchList[number], n = Math.min(kept, from - b.base);
    if (n > 0) counts.set(b.epoch, (counts.get(b.epoch) || 0) + n);
  }
  const all = [...counts].sort((a, b) => a[0] - b[0]).map(([epoch, n]) => `e${epoch}×${n}`);
  return all.length > 2 ? ["…", ...all.slice(-1)].join(" ") : all.join(" ");
}

/** The columns of a view: as many as their texts allow; the newest, or those around the record that is followed. */
function columnsOf(t, p, ids, view) {
  const end = Math.max(1, ...ids.map((a) => p.replicas.get(a).end));
  const left = 250, right = 104, letters = Math.max(3, String(t.records.by.length).length + 1, String(end).length + 1);
  const most = Math.min(COLUMNS, Math.floor((WIDE - left - right) / (letters * 8.6 + 8)));
  const places = view.follow === null || t.records.p[view.follow] !== view.partition ? [] : t.lies[view.follow].map(([b, n]) => t.batchList[b].base + n);
  const first = Math.min(...places), newest = Math.max(0, end - most);
  const from = first < newest ? Math.max(0, first - (most >> 1)) : newest, count = newest > 0 ? most : Math.max(Math.min(12, most), end);
  return { from, count, left, wide: (WIDE - left - right) / count };
}

function drawLogs(t, state, view, label) {
  const p = state.partitions[view.partition], ids = t.partitions[view.partition].replicas;
  const columns = columnsOf(t, p, ids, view), { from, count, left, wide } = columns;
  const s = el("svg", { viewBox: `0 0 ${WIDE} ${LOGS_TOP + ids.length * STEP - 4}`, role: "img", "aria-label": `${label("logs")} ${t.partitions[view.partition].id}, ${seconds(state.at)}` });
  const x = (offset) => left + (offset - from) * wide, texts = el("g"), put = placer(texts);
  for (let o = from; o < from + count; o++) put([[x(o) + wide / 2, 26]], "@" + o, { size: 14, class: "tiny mute", anchor: "middle" });
  drawMarks(t, state, view, put, { x, from, to: from + count });
  const leads = p.leader !== null && p.replicas.has(p.leader) ? p.replicas.get(p.leader) : null;
  const shared = { t, state, view, label, p, put, x, ...columns, to: from + count, leader: leads && cells(t, leads, from, from + count), copies: ids.length };
  ids.forEach((a, i) => drawReplica(s, a, LOGS_TOP + i * STEP, shared));
  s.appendChild(texts);
  return s;
}

function drawReplica(s, a, y, { t, state, view, label, p, put, x, from, to, left, wide, leader, copies }) {
  const r = p.replicas.get(a), up = state.actors[a].up, leads = p.leader === a;
  const group = el("g", up ? {} : { class: "isdown" }, s), own = cells(t, r, from, to);
  el("text", { x: 4, y: y + 16, class: "name" }, s, t.actors[a].id + (leads ? " ★" : ""));
  const role = !up ? label("down") : r.role ? `${label(r.role[0])} e${r.role[1]}` : label("starting");
  el("text", { x: 4, y: y + 34, class: "mute tiny" }, s, `${role} · ${p.isr.has(a) ? "ISR" : label("out")}`);
  if (from > 0) {
    el("text", { x: left - 8, y: y + 16, "text-anchor": "end", class: "mute tiny" }, s, `…@${from - 1}`);
    el("text", { x: left - 8, y: y + 34, "text-anchor": "end", class: "mute tiny" }, s, folded(t, r, from));
  }
  for (const [o, [uid, epoch]] of own) {
    const other = leader && leader.get(o), differs = !leads && leader && (!other || other[0] !== uid || other[1] !== epoch);
    const cell = el("g", { class: "chip" + (view.follow === uid ? " chosen" : ""), "data-r": uid }, group);
    drawCell(t, state, cell, { uid, epoch, x: x(o), y, wide, copies, differs });
    if (o === from || !own.has(o - 1) || own.get(o - 1)[1] !== epoch) put([[x(o) + 2, y - 4]], "e" + epoch, { size: 14, class: "tiny mute" });
  }
  for (const ghost of view.ghosts || []) {
    if (ghost.cut.actor !== a || ghost.cut.partition !== view.partition) continue;
    for (const [o, uid, epoch] of ghost.cut.gone) {
      if (o < from || o >= to || own.has(o)) continue;
      const cell = el("g", { opacity: ghost.left.toFixed(2) }, group);
      drawCell(t, state, cell, { uid, epoch, x: x(o), y, wide, copies, differs: true });
    }
  }
  if (r.start > from) el("path", { d: `M${x(Math.min(to, r.start)) + 7} ${y - 3}h-6v${CELL + 6}h6`, class: "bracket" }, s);
  const mark = (offset, name) => offset <= to && el("line", { x1: x(Math.max(from, offset)), x2: x(Math.max(from, offset)), y1: y - 3, y2: y + CELL + 3, class: name }, s);
  mark(r.end, "leo");
  mark(r.hw, "hw");
  const belief = p.leader !== null && !leads && p.replicas.has(p.leader) ? p.replicas.get(p.leader).beliefs.get(a) : undefined;
  if (belief !== undefined && belief >= from && belief <= to) el("path", { d: `M${x(belief) - 5} ${y + CELL + 11}h10l-5 -8z`, class: "belief" }, s);
  el("text", { x: WIDE - 92, y: y + 16, class: "tiny hwtext" }, s, "HW " + r.hw);
  el("text", { x: WIDE - 92, y: y + 34, class: "tiny" }, s, "LEO " + r.end);
}

function drawCell(t, state, cell, { uid, epoch, x, y, wide, copies, differs }) {
  const [name, held] = stage(t, state, uid), mid = x + wide / 2;
  el("rect", { x: x + 1.5, y, width: wide - 3, height: CELL, class: `cell e${epoch % 6}${differs ? " differs" : ""}${name === "lost" ? " islost" : ""}` }, cell);
  el("rect", { x: x + 1.5, y: y + CELL - 16, width: wide - 3, height: 16, class: "fate " + name }, cell);
  el("text", { x: mid, y: y + 16, "text-anchor": "middle", class: wide < 46 ? "tiny" : "small" }, cell, "r" + uid);
  el("text", { x: mid, y: y + CELL - 3, "text-anchor": "middle", class: "tiny on-" + name }, cell, name === "replicated" ? `${held}/${copies}` : MARK[name]);
}

/** Where consumers read and what groups have committed, over the ruler. */
function drawMarks(t, state, view, put, { x, from, to }) {
  const add = (offset, text, name) => {
    if (offset >= from && offset <= to) put([0, -36, 36, -72, 72].map((by) => [x(offset) + by, 11]), text, { size: 14, class: "tiny " + name, anchor: "middle" });
  };
  for (const [a, position] of state.partitions[view.partition].positions) add(position, "▲" + t.actors[a].id, "position");
  state.groups.forEach((g, i) => {
    const committed = g.committed.get(view.partition);
    if (committed !== undefined) add(committed, "△" + t.groups[i].id, "committed-mark");
  });
}

/** The records of cuts until a time, for reading. */
function removed(t, state, view, label) {
  const lines = removals(t).filter((cut) => cut.partition === view.partition && cut.at <= state.at).slice(-3);
  return lines.map((cut) => `${t.actors[cut.actor].id} ${label("removed")} ${seconds(cut.at)}${label("colon")}${runs(cut.gone.map(([, uid]) => uid))}`).join(" · ");
}

/** Numbers of records, neighbours as runs: `r9–r11 r14`. */
function runs(uids) {
  const sorted = [...uids].sort((a, b) => a - b), out = [];
  for (let i = 0; i < sorted.length; i++) {
    let j = i;
    while (sorted[j + 1] === sorted[j] + 1) j++;
    out.push(j > i ? `r${sorted[i]}–r${sorted[j]}` : `r${sorted[i]}`);
    i = j;
  }
  return out.length > 8 ? [...out.slice(0, 8), "…"].join(" ") : out.join(" ");
}

function drawFates(t, state, view, label) {
  const n = t.records.by.length, s = el("svg", { viewBox: `0 0 ${WIDE} 10`, role: "img", "aria-label": label("fates") });
  if (n <= 72) {
    const per = 18, wide = WIDE / per, rows = Math.ceil(n / per), high = 30;
    s.setAttribute("viewBox", `0 0 ${WIDE} ${Math.max(1, rows) * high}`);
    for (let uid = 0; uid < n; uid++) {
      const [name] = stage(t, state, uid), x = (uid % per) * wide, y = Math.floor(uid / per) * high;
      const chip = el("g", { class: "chip" + (view.follow === uid ? " chosen" : ""), "data-r": uid }, s);
      el("rect", { x: x + 3, y: y + 2, width: wide - 6, height: high - 5, rx: 4, class: "fate " + name }, chip);
      el("text", { x: x + wide / 2, y: y + 20, "text-anchor": "middle", class: "small on-" + name }, chip, `r${uid} ${MARK[name]}`);
    }
    return s;
  }
  const bins = Math.min(n, 248), wide = WIDE / bins, counts = {};
  s.setAttribute("viewBox", `0 0 ${WIDE} 50`);
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * n) / bins), to = Math.floor(((bin + 1) * n) / bins);
    let worst = 0, uidOf = from;
    for (let uid = from; uid < to; uid++) {
      const name = stage(t, state, uid)[0], rank = STAGES.indexOf(name);
      counts[name] = (counts[name] || 0) + 1;
      if (rank > worst) { worst = rank; uidOf = uid; }
    }
    const g = el("g", { class: "chip", "data-r": uidOf }, s);
    el("rect", { x: bin * wide, y: 2, width: Math.max(1, wide - 0.6), height: 22, class: "fate bare " + STAGES[worst] }, g);
  }
  const words = STAGES.filter((name) => counts[name]).map((name) => `${MARK[name]} ${label("stage-" + name)} ${grouped(counts[name])}`);
  el("text", { x: 2, y: 44, class: "small" }, s, words.join("    "));
  return s;
}
