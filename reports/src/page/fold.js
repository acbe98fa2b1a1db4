"use strict";
// The pure part of the player: from a trace and a time to what is true then. No document, so
// that node can run it; the same fold as reports/src/trace/state.rs, and a test compares them.

const STAGES = ["unsent", "sent", "leader", "acked", "replicated", "committed", "consumed", "risk", "lost", "duplicated"];
const TOLD = { ack: 1, fail: 2, unknown: 3, abandon: 3 };
const EVERY = 4096; // facts between two kept states

/** Spells out a trace: absolute times, names instead of numbers, indexes. */
function decode(trace) {
  const t = { ...trace };
  const sum = (deltas) => { let at = 0; return deltas.map((d) => (at += d)); };
  t.factTimes = sum(trace.facts.t);
  t.msgTimes = sum(trace.msgs.t);
  t.kind = trace.facts.k.map((k) => trace.kinds[k]);
  t.arrow = trace.msgs.a.map((a) => trace.arrows[a]);
  t.batchList = trace.batches.o.map((base, i) => {
    const uids = [], runs = trace.batches.r[i];
    for (let j = 0; j < runs.length; j += 2) for (let n = 0; n < runs[j + 1]; n++) uids.push(runs[j] + n);
    return { base, epoch: trace.batches.e[i], uids };
  });
  t.lies = trace.records.by.map(() => []); // by record: [batch, place in it]
  t.batchList.forEach((b, i) => b.uids.forEach((uid, place) => t.lies[uid] && t.lies[uid].push([i, place])));
  t.loss = new Map(trace.judged.losses.map((loss) => [loss.r, loss]));
  t.kept = [];
  return t;
}

/** What is true before anything has happened. */
function beginning(t) {
  const replica = () => ({ start: 0, end: 0, hw: 0, flushed: 0, batches: new Map(), role: null, beliefs: new Map() });
  return {
    at: 0, taken: 0,
    actors: t.actors.map(() => ({ up: false, paused: false, serves: false })),
    partitions: t.partitions.map((p) => ({
      leader: null, epoch: 0, isr: new Set(), owners: new Set(), positions: new Map(),
      replicas: new Map(p.replicas.map((a) => [a, replica()])),
    })),
    records: t.records.by.map(() => ({ sent: false, told: 0, finished: 0 })),
    groups: t.groups.map(() => ({ phase: 0, generation: 0, committed: new Map(), finished: new Map() })),
  };
}

function copyOf(s) {
  return {
    at: s.at, taken: s.taken,
    actors: s.actors.map((a) => ({ ...a })),
    partitions: s.partitions.map((p) => ({
      leader: p.leader, epoch: p.epoch, isr: new Set(p.isr), owners: new Set(p.owners), positions: new Map(p.positions),
      replicas: new Map([...p.replicas].map(([a, r]) => [a, { ...r, batches: new Map(r.batches), beliefs: new Map(r.beliefs) }])),
    })),
    records: s.records.map((r) => ({ ...r })),
    groups: s.groups.map((g) => ({ ...g, committed: new Map(g.committed), finished: new Map(g.finished) })),
  };
}

function cut(t, r, end) {
  r.end = end;
  r.flushed = Math.min(r.flushed, end);
  r.hw = Math.min(r.hw, end);
  for (const [number, kept] of r.batches) {
    const left = Math.min(kept, end - t.batchList[number].base);
    if (left > 0) r.batches.set(number, left); else r.batches.delete(number);
  }
}

function takeReplica(t, r, kind, v, w) {
  switch (kind) {
    case "append": {
      const b = t.batchList[v];
      r.batches.set(v, b.uids.length);
      r.end = b.base + b.uids.length;
      break;
    }
    case "cut": case "took": cut(t, r, v); break;
    case "hw": case "load": r.hw = v; break;
    case "start":
      r.start = v;
      r.end = Math.max(r.end, v);
      for (const [number, kept] of r.batches) if (t.batchList[number].base + kept <= v) r.batches.delete(number);
      break;
    case "flush": r.flushed = v; break;
    case "leads": r.role = ["leader", v]; r.beliefs.clear(); break;
    case "follows": r.role = ["follower", v]; r.beliefs.clear(); break;
    case "fetched": if (w >= 0) r.beliefs.set(w, v); break;
  }
}

/** A consumer without a group is done with what it is given. */
function given(t, s, actor, place, from, to) {
  if (actor < 0 || place < 0 || t.actors[actor].group !== null) return;
  const p = s.partitions[place], log = p.leader === null ? undefined : p.replicas.get(p.leader);
  if (!log) return;
  for (const [number, kept] of log.batches) {
    const b = t.batchList[number];
    for (let i = Math.max(0, from - b.base); i < Math.min(kept, to - b.base); i++) {
      const r = s.records[b.uids[i]];
      if (r) r.finished = Math.max(r.finished, 1);
    }
  }
}

function take(t, s, i) {
  const f = t.facts, kind = t.kind[i], a = f.a[i], place = f.p[i], v = f.v[i], w = f.w[i];
  if (kind === "send") { if (s.records[v]) s.records[v].sent = true; }
  else if (TOLD[kind]) for (let uid = v; uid < v + w; uid++) { if (s.records[uid]) s.records[uid].told = TOLD[kind]; }
  else if (kind === "poll") given(t, s, a, place, v, w);
  if (a >= 0) {
    const actor = s.actors[a];
    switch (kind) {
      case "up": actor.up = true; actor.paused = false; break;
      case "down":
        actor.up = false; actor.paused = false;
        for (const p of s.partitions) { const r = p.replicas.get(a); if (r) { r.role = null; r.beliefs.clear(); } }
        break;
      case "pause": actor.paused = true; break;
      case "resume": actor.paused = false; break;
      case "fence": actor.serves = false; break;
      case "unfence": actor.serves = true; break;
    }
  }
  if (place >= 0) {
    const p = s.partitions[place];
    if (kind === "leader") { p.leader = a < 0 ? null : a; p.epoch = v; }
    else if (a >= 0) {
      if (kind === "isr") { if (v === 1) p.isr.add(a); else p.isr.delete(a); }
      else if (kind === "own") { if (v === 1) p.owners.add(a); else { p.owners.delete(a); p.positions.delete(a); } }
      else if (kind === "poll") p.positions.set(a, w);
      else if (kind === "reset" || (kind === "starts" && v >= 0)) p.positions.set(a, v);
      else { const r = p.replicas.get(a); if (r) takeReplica(t, r, kind, v, w); }
    }
  }
  if (kind === "group") s.groups[w].phase = v;
  else if (kind === "coordinates") s.groups[w].committed.clear();
  else if (kind === "generation") s.groups[w].generation = v;
  else if (kind === "commit") { const g = s.groups[w].committed; if (v < 0) g.delete(place); else g.set(place, v); }
  else if (kind === "done" && a >= 0 && t.actors[a].group !== null) {
    const times = s.groups[t.actors[a].group].finished, n = (times.get(w) || 0) + 1;
    times.set(w, n);
    if (s.records[w]) s.records[w].finished = Math.max(s.records[w].finished, n);
  }
}

/** What is true at a time; states on the way are kept, so that going back is quick. */
function fold(t, at, from) {
  let s = from && from.at <= at ? from : null;
  if (!s) {
    const kept = t.kept.filter((k) => k.at <= at).pop();
    s = kept ? copyOf(kept) : beginning(t);
  }
  while (s.taken < t.factTimes.length && t.factTimes[s.taken] <= at) {
    s.at = t.factTimes[s.taken];
    take(t, s, s.taken++);
    const last = t.kept.length ? t.kept[t.kept.length - 1].taken : 0;
    const next = t.factTimes[s.taken];
    if (s.taken >= last + EVERY && next > s.at) t.kept.push(copyOf(s));
  }
  s.at = at;
  return s;
}

/** What a picture shows of a record, and in how many logs it lies. */
function stage(t, s, uid) {
  const r = s.records[uid], place = t.records.p[uid];
  let logs = 0, inLeader = 0, committed = false;
  if (place >= 0) {
    const p = s.partitions[place];
    for (const [actor, replica] of p.replicas) {
      let holds = 0;
      for (const [number, index] of t.lies[uid]) {
        const kept = replica.batches.get(number);
        if (kept === undefined || index >= kept) continue;
        holds++;
        if (p.leader === actor && t.batchList[number].base + index < replica.hw) committed = true;
      }
      if (holds) logs++;
      if (p.leader === actor) inLeader = holds;
    }
  }
  const loss = t.loss.get(uid), since = (m) => loss && loss.t.length > m && loss.t[m] <= s.at;
  const name = inLeader > 1 || r.finished > 1 ? "duplicated" : since(2) ? "lost" : since(1) ? "risk"
    : r.finished ? "consumed" : committed ? "committed" : logs > 1 ? "replicated"
    : r.told === 1 ? "acked" : logs === 1 ? "leader" : r.sent ? "sent" : "unsent";
  return [name, logs];
}

/** The state as `State::json` of reports/src/trace/state.rs writes it. */
function plain(t, s) {
  const sorted = (map) => [...map].sort((x, y) => x[0] - y[0]), list = (set) => [...set].sort((x, y) => x - y);
  return {
    at: s.at,
    actors: s.actors.map((a) => (a.up ? "u" : "-") + (a.paused ? "p" : "-") + (a.serves ? "s" : "-")),
    partitions: s.partitions.map((p) => ({
      leader: p.leader, epoch: p.epoch, isr: list(p.isr), owners: list(p.owners), positions: sorted(p.positions),
      replicas: sorted(p.replicas).map(([at, r]) => ({
        at, start: r.start, end: r.end, hw: r.hw, flushed: r.flushed,
        batches: sorted(r.batches), role: r.role, beliefs: sorted(r.beliefs),
      })),
    })),
    stages: s.records.map((_, uid) => stage(t, s, uid).join(" ")),
    groups: s.groups.map((g) => ({ phase: g.phase, generation: g.generation, committed: sorted(g.committed) })),
  };
}

if (typeof module !== "undefined") module.exports = { STAGES, decode, beginning, fold, stage, plain };
