"use strict";
// What pictures need to know of a whole trace. No document, so that node can run it.

const ARROWS_MAX = 2000;
const ROUND = 12; // neighbours that are drawn together, so that a record's way stays whole
/** Kinds of facts that readers look for; the rest is the daily round. */
const KEY = new Set(["leader", "isr", "leads", "down", "up", "pause", "resume", "cut", "took", "fence", "unfence", "own", "fail", "unknown", "reset", "commit-refused"]);

/** The time shortly after the last thing that happens; a long calm may follow. */
function busyUntil(t, stops) {
  let last = 0;
  for (let i = 0; i < t.kind.length; i++) if (KEY.has(t.kind[i]) || t.kind[i] === "send") last = t.factTimes[i];
  for (let i = 0; i < t.msgTimes.length; i++) {
    const moves = t.arrow[i] === "produce" || t.arrow[i] === "ack" || t.arrow[i] === "data";
    if (moves && t.msgs.d[i] >= 0) last = Math.max(last, t.msgTimes[i] + t.msgs.d[i]);
  }
  for (const stop of stops) last = Math.max(last, stop.t);
  return Math.min(t.end, Math.round(last * 1.04) + 100_000);
}

/** Whether a message is only drawn as a tick: rounds, and commits where they are many. */
function quietMessages(t) {
  if (t.ticks) return t.ticks;
  const commit = t.msgs.names.map((name) => name.startsWith("OffsetCommit")), kinds = t.msgs.k;
  const many = kinds.reduce((n, k) => n + (commit[k] ? 1 : 0), 0) > 60;
  t.ticks = t.arrow.map((arrow, i) => arrow === "quiet" || (many && commit[kinds[i]]));
  return t.ticks;
}

/** The messages that pictures of one partition show as arrows. */
function concerned(t, view) {
  const shown = [], m = t.msgs, ticks = quietMessages(t);
  for (let i = 0; i < t.msgTimes.length; i++) {
    if (m.p[i] >= 0 && m.p[i] !== view.partition) continue;
    if (ticks[i] ? !view.quiet : t.arrow[i] === "fetch" && !view.pull) continue;
    shown.push(i);
  }
  return shown;
}

/** The actors that get a lane: all if they are few, else those that matter for the partition. */
function lanes(t, view) {
  const all = t.actors.map((_, i) => i);
  if (all.length <= 10) return all;
  const used = new Set(t.partitions[view.partition].replicas), f = t.facts;
  for (let i = 0; i < t.kind.length; i++) {
    const kind = t.kind[i], a = f.a[i];
    if (a < 0) continue;
    if (f.p[i] === view.partition && (kind === "poll" || kind === "own")) used.add(a);
    if (kind === "pause" || kind === "down") used.add(a);
  }
  for (let i = 0; i < t.msgTimes.length; i++) if (t.arrow[i] === "produce" && t.msgs.p[i] === view.partition) used.add(t.msgs.f[i]);
  return all.filter((i) => t.actors[i].kind === "controller" || used.has(i));
}

/** Messages that carry or answer a record: its way through the cluster. */
function cone(t, uid, partition) {
  const ways = t.lies[uid].map(([b, place]) => ({ base: t.batchList[b].base, at: t.batchList[b].base + place }));
  const m = t.msgs, fetched = new Set();
  return (i) => {
    if (m.p[i] !== partition) return false;
    const lo = m.lo[i], n = m.n[i];
    switch (t.arrow[i]) {
      case "produce": return lo <= uid && uid < lo + n;
      case "data": return ways.some((w) => lo <= w.at && w.at < lo + n);
      case "ack": return ways.some((w) => w.base === lo);
      case "fetch": {
        const key = m.f[i] + ">" + m.o[i];
        if (fetched.has(key) || !ways.some((w) => w.at < lo)) return false;
        fetched.add(key);
        return true;
      }
      default: return false;
    }
  };
}

/** Leaves out arrows where there are too many: evenly, so that dense stays dense; what is followed or lost stays. */
function thin(t, shown, keep) {
  if (shown.length <= ARROWS_MAX) return shown;
  const first = shown.filter((i) => keep(i) || t.msgs.d[i] < 0).slice(0, ARROWS_MAX);
  const had = new Set(first), rest = shown.filter((i) => !had.has(i)), room = ARROWS_MAX - first.length;
  const every = room > 0 ? Math.ceil(rest.length / room) : Infinity;
  return [...first, ...rest.filter((_, n) => Math.floor(n / ROUND) % every === 0)].sort((a, b) => a - b);
}

/** The flight above which a message is late: five times the median. */
function late(t) {
  if (t.late === undefined) {
    const flights = t.msgs.d.filter((d) => d >= 0).sort((a, b) => a - b);
    t.late = flights.length ? 5 * flights[flights.length >> 1] : Infinity;
  }
  return t.late;
}

/** Stretches of time in which somebody leads the partition or is in sync. */
function stretches(t, partition) {
  const f = t.facts, out = [], open = new Map();
  const end = (key, at) => { const s = open.get(key); if (s) { out.push({ ...s, to: at }); open.delete(key); } };
  for (let i = 0; i < t.kind.length; i++) {
    const kind = t.kind[i], a = f.a[i], at = t.factTimes[i];
    if (f.p[i] !== partition) continue;
    if (kind === "leader") {
      const now = open.get("leader");
      if (now && now.actor === a && now.epoch === f.v[i]) continue;
      end("leader", at);
      if (a >= 0) open.set("leader", { kind, actor: a, epoch: f.v[i], from: at });
    } else if (kind === "isr") {
      if (f.v[i] !== 1) end(kind + a, at);
      else if (!open.has(kind + a)) open.set(kind + a, { kind, actor: a, from: at });
    }
  }
  for (const key of [...open.keys()]) end(key, t.end);
  return out;
}

/** What each member owns over time: stretches with the same partitions. */
function ownership(t) {
  if (t.owned) return t.owned;
  const f = t.facts, out = [], open = new Map();
  const close = (a, at) => {
    const s = open.get(a);
    if (s.parts.length && s.from < at) out.push({ actor: a, from: s.from, to: at, parts: s.parts });
  };
  for (let i = 0; i < t.kind.length; i++) {
    const a = f.a[i], at = t.factTimes[i];
    const gone = t.kind[i] === "down" && open.has(a);
    if (a < 0 || (t.kind[i] !== "own" && !gone)) continue;
    const before = open.get(a) || { from: at, parts: [] };
    open.set(a, before);
    close(a, at);
    const others = gone ? [] : before.parts.filter((p) => p !== f.p[i]);
    const parts = !gone && f.v[i] === 1 ? [...others, f.p[i]].sort((x, y) => x - y) : others;
    open.set(a, { from: at, parts });
  }
  for (const a of open.keys()) close(a, t.end);
  t.owned = out;
  return out;
}

/** Every cut of a log with the records that it took. */
function removals(t) {
  if (t.removed) return t.removed;
  const f = t.facts, s = beginning(t);
  t.removed = [];
  for (let i = 0; i < t.kind.length; i++) {
    const r = f.p[i] < 0 ? undefined : s.partitions[f.p[i]].replicas.get(f.a[i]);
    if (r && (t.kind[i] === "cut" || t.kind[i] === "took")) {
      const gone = [];
      for (const [number, kept] of r.batches) {
        const b = t.batchList[number];
        for (let n = Math.max(0, f.v[i] - b.base); n < kept; n++) gone.push([b.base + n, b.uids[n], b.epoch]);
      }
      if (gone.length) t.removed.push({ at: t.factTimes[i], actor: f.a[i], partition: f.p[i], gone: gone.sort((a, b) => a[0] - b[0]) });
    }
    take(t, s, i);
  }
  return t.removed;
}

/** Steps of what the plots under the diagram show: ISR size, the leader's log, lag of groups. */
function series(t, partition) {
  t.series = t.series || new Map();
  if (t.series.has(partition)) return t.series.get(partition);
  const out = { isr: [], end: [], hw: [], lags: t.groups.map(() => []) }, s = beginning(t), p = s.partitions[partition];
  const put = (list, at, value) => {
    const last = list[list.length - 1];
    if (last && last[0] === at) last[1] = value;
    else if (!last || last[1] !== value) list.push([at, value]);
  };
  const moves = new Set(["hw", "load", "commit", "leader", "leads"]);
  for (let i = 0; i < t.kind.length; i++) {
    take(t, s, i);
    const at = t.factTimes[i];
    if (t.facts.p[i] === partition) {
      const log = p.leader === null ? undefined : p.replicas.get(p.leader);
      put(out.isr, at, p.isr.size);
      if (log) { put(out.end, at, log.end); put(out.hw, at, log.hw); }
    }
    if (t.groups.length && moves.has(t.kind[i])) out.lags.forEach((list, g) => put(list, at, lagOf(s, g)));
  }
  t.series.set(partition, out);
  return out;
}

/** Records between the committed offsets of a group and the high watermarks. */
function lagOf(s, g) {
  let lag = 0;
  s.partitions.forEach((p, i) => {
    const log = p.leader === null ? undefined : p.replicas.get(p.leader), committed = s.groups[g].committed.get(i);
    if (log && committed !== undefined) lag += Math.max(0, log.hw - committed);
  });
  return lag;
}

/** Records worth following: lost ones, then what went wrong in groups, then copies. */
function suspects(t) {
  const told = t.judged.claims.filter((c) => c.result === "breaks").flatMap((c) => c.records || []);
  const all = [...t.judged.losses.map((loss) => loss.r), ...t.judged.mishaps.flatMap((m) => m.records), ...told];
  return [...new Set(all)].filter((uid) => uid < t.records.by.length);
}

/** Where each of the four moments of a loss happens: the actor whose fact it is. */
function places(t, loss) {
  const kinds = [["promise", "ack"], ["down", "leader"], ["leader"], ["cut", "took"]];
  return loss.t.map((at, n) => {
    for (let i = 0; i < t.kind.length && t.factTimes[i] <= at; i++) {
      if (t.factTimes[i] === at && kinds[n].includes(t.kind[i]) && t.facts.a[i] >= 0) return t.facts.a[i];
    }
    return -1;
  });
}
