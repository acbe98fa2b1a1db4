"use strict";
// The player: keys, buttons, time, and what is shown when. Everything that it shows comes from
// `fold` and the drawing functions.

const $ = (id) => document.getElementById(id);
const GHOST = 300; // milliseconds in which cut records fade
const WHOLE = 40_000; // milliseconds for a whole picture at speed 1

async function readData() {
  const text = $("data").textContent.trim();
  if ($("data").dataset.packed !== "deflate") return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

/** A row of a table or an item of a list, made of texts. */
function made(name, parts, inner) {
  const e = document.createElement(name);
  for (const part of parts) e.appendChild(document.createElement(inner)).textContent = part;
  return e;
}

function play(data) {
  const traces = data.variants.map((v) => decode(v.trace)), first = data.variants[0].texts;
  const busy = traces.map((trace, i) => busyUntil(trace, data.variants[i].texts.en.stops));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const view = {
    variant: 0, at: 0, lang: data.lang, partition: traces[0].focus, scale: null, window: [0, busy[0]], follow: null,
    pull: false, quiet: false, strips: false, playing: false, speed: 1, revealed: !first.en.ask, gated: false, guess: null, hands: [], text: 1, ghosts: [],
  };
  let picture = null, state = null, last = 0, later = 0;
  const t = () => traces[view.variant], texts = () => data.variants[view.variant].texts[view.lang];
  const label = (key) => data.labels[view.lang][key] || data.labels.en[key] || key;
  const ask = () => first[view.lang].ask || null;
  /**
   * Before a prediction nobody goes beyond this, in any variant: just before records are first at risk. Where nothing
   * breaks, the first caption says what is done, and the others what comes of it.
   */
  const walls = traces.map((trace, i) => {
    const stops = data.variants[i].texts.en.stops, told = stops.filter((stop) => stop.kind !== "say");
    const decided = told.find((stop) => stop.kind === "risk") || told.find((stop) => stop.kind !== "prelude"), [done, comes] = stops;
    const calmly = comes ? comes.t - 1 : done ? done.t : 0;
    return Math.min(decided ? decided.t - 1 : calmly, ...trace.judged.losses.map((loss) => loss.t[1] - 1 || Infinity));
  });
  const wall = () => (view.revealed ? Infinity : Math.max(0, Math.min(...walls)));
  const shows = (stop) => view.revealed || (stop.kind === "say" && stop.t <= Math.min(view.at, wall()));
  /** How far the clock goes: to the end of what happens, or of what the reader has zoomed out to. */
  const edge = () => (view.revealed ? Math.max(busy[view.variant], Math.min(t().end, view.window[1])) : t().end);
  const whole = () => [0, view.revealed ? busy[view.variant] : Math.max(100_000, Math.round(wall()) + 1000)];

  function verdictLine() {
    const claims = t().judged.claims, broken = claims.map((c, i) => [c, i]).filter(([c]) => c.result === "breaks");
    if (!broken.length) return `${label("holds")}${label("colon")}${claims.filter((c) => c.result === "holds").length} ${label("claims")}`;
    const [[one, place], ...others] = broken, more = others.length ? ` · ${label("also")} ${others.map(([c]) => c.id).join(", ")}` : "";
    return `${label("breaks")} ${one.id}${label("colon")}${texts().claims[place]}${more}`;
  }

  function drawPicture() {
    const stops = view.revealed ? texts().stops : texts().stops.filter((stop) => stop.kind === "say" && stop.t <= wall());
    const aria = view.revealed ? `${label("spacetime")}${label("colon")}${texts().title} ${verdictLine()}` : label("spacetime");
    const settings = [`${label("seed")} ${t().seed}`, ...t().settings.map(([k, v]) => `${k} ${v}`), t().case].filter(Boolean).join(" · ");
    picture = drawSpaceTime(t(), { ...view, wall: wall(), stops, near: stops.map((stop) => stop.t), aria, settings }, label);
    $("picture").replaceChildren(picture.svg);
    $("scale").value = picture.scale.mode;
    moveCursor();
  }

  function moveCursor() {
    if (!picture) return;
    const x = picture.scale.x(view.at), [veil] = picture.svg.getElementsByClassName("veil"), [cursor] = picture.svg.getElementsByClassName("cursor");
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    veil.setAttribute("x", x + 1.5);
    veil.setAttribute("width", Math.max(0, WIDE - x));
    veil.classList.toggle("closed", !view.revealed);
    if (!view.revealed) for (const stop of picture.svg.querySelectorAll(".stop")) stop.style.display = Number(stop.dataset.at) <= view.at ? "" : "none";
  }

  function drawLog() {
    const now = performance.now();
    view.ghosts = view.ghosts.filter((ghost) => now < ghost.until);
    for (const ghost of view.ghosts) ghost.left = (ghost.until - now) / GHOST;
    $("logs").replaceChildren(drawLogs(t(), state, view, label));
    if (view.ghosts.length) requestAnimationFrame(drawLog);
  }

  function drawState() {
    state = fold(t(), view.at, state);
    drawLog();
    $("fates").replaceChildren(drawFates(t(), state, view, label));
    $("groups").replaceChildren(...groupCards());
    $("pending").hidden = !view.revealed || !t().judged.losses.some((loss) => loss.t[2] <= view.at && !(loss.t[3] <= view.at));
    $("pending").textContent = `${MARK.lost} ${label("legend-lost")}`;
    const cuts = removed(t(), state, view, label);
    $("removed").hidden = !cuts;
    $("removed").textContent = cuts;
    $("time").max = view.revealed ? edge() : whole()[1];
    $("time").value = view.at;
    $("time").setAttribute("aria-valuetext", seconds(view.at));
    $("now").textContent = seconds(view.at);
    const past = texts().stops.filter((stop) => stop.t <= view.at && shows(stop)), said = past.filter((stop) => stop.t === past[past.length - 1].t).slice(-2);
    const text = said.length ? said.map((stop) => `${["say", "prelude", "evidence"].includes(stop.kind) ? "" : MOMENT[stop.kind] + " "}${stop.text}${/[.。!?]$/.test(stop.text) ? "" : label("fullstop")}`).join(" ") : label("press");
    if ($("say").textContent !== text) $("say").textContent = text;
    $("say").className = said.length ? said[said.length - 1].kind : "";
    if (!view.revealed && $("table").open) drawTable();
    moveCursor();
  }

  function groupCards() {
    return t().groups.map((group, g) => {
      const s = state.groups[g], card = document.createElement("div");
      card.className = "card";
      card.append(made("div", [`${group.id}  ${data.phases[s.phase]}  ${label("generation")} ${s.generation}`], "b"));
      for (const m of group.members) {
        const owns = [], believes = [], { up, paused } = state.actors[m];
        state.partitions.forEach((p, i) => {
          // The owners of a partition are in the order in which they got it: the last one is right.
          const last = [...p.owners].findLast((a) => state.actors[a].up && group.members.includes(a));
          if (up && p.owners.has(m)) (last === m ? owns : believes).push(t().partitions[i].id);
        });
        const how = !up ? ` (${label("down")})` : paused ? ` (${label("frozen")})` : "";
        const line = made("div", [`${t().actors[m].id}${how}: ${owns.join(" ") || (believes.length ? "" : "–")}`], "span");
        if (believes.length) line.append(" ", Object.assign(made("span", [`${label("stillbelieves")} ${believes.join(" ")}`], "span"), { className: "wrong" }));
        card.append(line);
      }
      const foot = made("div", [`${label("lag")} ${grouped(lagOf(state, g))}`], "span");
      foot.className = "mute";
      card.append(foot);
      return card;
    });
  }

  function drawVerdict() {
    $("verdict").hidden = $("banner").hidden = !view.revealed;
    if (!view.revealed) { for (const id of ["claims", "why", "helped", "expected", "guess", "banner", "whytitle", "rebalances"]) $(id).replaceChildren(); return; }
    const claims = t().judged.claims, order = ["breaks", "holds", "untested"];
    $("banner").textContent = verdictLine();
    $("banner").className = claims.some((c) => c.result === "breaks") ? "breaks" : "holds";
    const rows = claims.map((c, i) => [c, texts().claims[i]]).sort((a, b) => order.indexOf(a[0].result) - order.indexOf(b[0].result));
    $("claims").replaceChildren(...rows.map(([c, text]) => {
      const tr = made("tr", [label(c.result), c.id, text], "td");
      tr.className = c.result;
      return tr;
    }));
    $("whytitle").textContent = texts().why;
    $("why").replaceChildren(...texts().because.map(reason));
    $("helped").replaceChildren(...texts().helped.map((cells3) => made("tr", cells3, "td")));
    $("helpedpart").hidden = !texts().helped.length;
    $("helpless").hidden = !texts().helpless;
    $("whypart").hidden = !texts().because.length;
    $("rebalancespart").hidden = !texts().groups.length;
    $("rebalances").replaceChildren(...texts().groups.flatMap((group) => [made("li", [group.whole], "b"), ...group.rebalances.map(([at, text, what]) => timed(at, text, [` ${what}`]))]));
    $("expected").replaceChildren(...texts().expected.map(([text, came]) => made("tr", [label(came), text], "td")));
    $("expectedpart").hidden = !texts().expected.length;
    const question = ask();
    $("guess").hidden = !question || view.guess === null;
    if ($("guess").hidden) return;
    const right = view.guess === question.answer, hands = view.hands.map((n, i) => (n ? `${i + 1}: ${n}` : "")).filter(Boolean).join(" · ");
    const truth = right ? "" : `${label("answer")}${label("colon")}${question.options[question.answer]}${label("period")}`;
    $("guess").textContent = `${right ? "✓" : "✗"} ${label("guessed")}${label("colon")}${question.options[view.guess]}${label("period")}${truth}${question.because}${hands ? ` (${label("hands")} ${hands})` : ""}`;
  }

  /** A line of the story; its time is a button that goes there. */
  function reason([sign, at, what, means]) {
    const kind = { "①": "promise", "②": "risk", "③": "decided", "④": "gone" }[sign];
    const found = texts().stops.find((stop) => (kind ? stop.kind === kind : stop.kind !== "say" && stop.text.startsWith(what)));
    return timed(found ? found.t : null, `${sign} ${at}`.trim(), [made("span", [what], "b"), ` ${means}`]);
  }

  /** An item of a list with the button that goes to its time. */
  function timed(to, text, parts) {
    const li = document.createElement("li"), link = document.createElement("button");
    link.textContent = text;
    link.onclick = () => { seek(to); scrollTo(0, 0); };
    li.append(to === null ? text : link, " ", ...parts);
    return li;
  }

  function drawTable() {
    const rows = [], f = t().facts, until = view.revealed ? Infinity : view.at;
    for (let i = 0; i < t().kind.length && rows.length < 400 && t().factTimes[i] <= until; i++) {
      if (!KEY.has(t().kind[i]) && !["group", "ack", "settle"].includes(t().kind[i])) continue;
      const where = f.p[i] >= 0 ? t().partitions[f.p[i]].id : "", who = f.a[i] >= 0 ? t().actors[f.a[i]].id : "–";
      rows.push(made("tr", [seconds(t().factTimes[i]), who, t().kind[i], where, f.v[i], f.w[i]], "td"));
    }
    $("facts").replaceChildren(...rows);
  }

  function drawFrame() {
    document.documentElement.lang = view.lang === "zh" ? "zh-CN" : "en";
    document.documentElement.style.setProperty("--zoom", view.text);
    document.title = view.revealed ? `${t().scenario}: ${texts().title}` : t().scenario;
    $("name").textContent = t().scenario;
    $("title").textContent = view.revealed ? texts().title : "";
    for (const e of document.querySelectorAll("[data-l]")) e.textContent = label(e.dataset.l);
    $("lang").textContent = view.lang === "zh" ? "EN" : "中文";
    $("again").textContent = t().again;
    $("limits").replaceChildren(...data.limits[view.lang].map((text) => made("li", [text], "span")));
    $("variants").hidden = data.variants.length < 2;
    $("variants").replaceChildren(...data.variants.map((v, i) => {
      const b = made("button", [`${i + 1} ${v.name}`], "span");
      b.setAttribute("aria-pressed", i === view.variant);
      b.onclick = () => choose(i);
      return b;
    }));
    $("partition").hidden = t().partitions.length < 2;
    $("partition").replaceChildren(...t().partitions.map((p, i) => new Option(p.id, i, false, i === view.partition)));
    $("strips").setAttribute("aria-pressed", view.strips);
    $("marks").replaceChildren(...drawLegend(t(), view.revealed, label));
    $("terms").replaceChildren(...drawTerms(label));
    $("back").hidden = view.revealed || !ask();
    const names = { partition: "partition", play: "playpause", time: "virtualtime", prev: "previousstop", next: "nextstop", speed: "speed", scale: "timescale", theme: "lightdark", lang: "language" };
    for (const id in names) $(id).setAttribute("aria-label", label(names[id]));
  }

  function drawAll() { drawFrame(); drawPicture(); drawState(); drawVerdict(); if ($("table").open) drawTable(); }

  function choose(i) {
    if (i >= traces.length) return;
    view.variant = i;
    view.window = whole();
    view.at = Math.min(view.at, edge());
    view.partition = Math.min(view.partition, t().partitions.length - 1);
    view.follow = null;
    state = null;
    drawAll();
  }

  /** Writes the place into the address, so that it can be passed on; not while playing. */
  function remember() {
    clearTimeout(later);
    later = setTimeout(() => {
      const parts = [`t=${view.at}`];
      if (view.lang !== data.lang) parts.push(view.lang);
      if (document.documentElement.dataset.theme) parts.push(document.documentElement.dataset.theme);
      if (ask() && view.revealed) parts.push(view.guess === null ? "open" : `g=${view.guess + 1}`);
      if (view.hands.some(Boolean)) parts.push(`h=${view.hands.map((n) => n || 0).join(".")}`);
      history.replaceState(null, "", "#" + parts.join("&"));
    }, 400);
  }

  function seek(to) {
    const before = view.at, limit = wall();
    const most = edge();
    view.at = Math.round(Math.max(0, Math.min(most, to)));
    if (view.at > limit) {
      view.at = Math.round(limit);
      setPlaying(false);
      openGate();
    }
    if (!calm && before < view.at && view.at - before < 2e6) {
      const until = performance.now() + GHOST;
      for (const cut of removals(t())) if (before < cut.at && cut.at <= view.at) view.ghosts.push({ cut, until });
    }
    const [from, until] = view.window;
    if (view.at < from || view.at > until) {
      const span = until - from, start = Math.max(0, Math.min(most - span, view.at - span / 2));
      view.window = [start, start + span];
      drawPicture();
    }
    drawState();
    if (!view.playing) remember();
  }

  function openGate() {
    const question = ask();
    if (!question) return;
    view.gated = true;
    $("gate").hidden = false;
    $("question").textContent = question.question;
    $("watch").hidden = wall() <= view.at;
    $("options").replaceChildren(...question.options.map((text, i) => {
      const row = document.createElement("div"), b = made("button", [`${i + 1}  ${text}`], "span"), hands = document.createElement("input");
      b.onclick = () => reveal(i);
      Object.assign(hands, { type: "number", min: 0, value: view.hands[i] || "", title: label("hands"), oninput: () => { view.hands[i] = Number(hands.value); } });
      hands.setAttribute("aria-label", `${label("hands")} ${i + 1}`);
      row.append(b, hands);
      return row;
    }));
    $("options").prepend(Object.assign(made("span", [label("hands")], "span"), { className: "hands" }));
    $("gate").firstElementChild.focus(); // no answer looks as if it were chosen already
  }
  function closeGate() { view.gated = false; $("gate").hidden = true; }
  function reveal(guess) {
    view.guess = guess;
    view.revealed = true;
    view.window = whole();
    closeGate();
    drawAll();
    remember();
  }

  function step(direction) {
    const lists = [t().factTimes, t().msgTimes];
    if (direction > 0) return seek(Math.min(...lists.map((list) => list.find((x) => x > view.at) ?? t().end)));
    seek(Math.max(...lists.map((list) => list.findLast((x) => x < view.at) ?? 0)));
  }
  function toStop(direction) {
    const all = texts().stops.filter((stop) => view.revealed || (stop.kind === "say" && stop.t <= wall())).map((stop) => stop.t);
    const next = direction > 0 ? all.find((at) => at > view.at) : all.findLast((at) => at < view.at);
    if (next !== undefined) seek(next);
    else seek(direction < 0 ? 0 : Infinity);
  }
  function toMoment(i) {
    const found = texts().stops.find((stop) => stop.kind === ["promise", "risk", "decided", "gone"][i]);
    if (found && view.revealed) seek(found.t);
  }
  const digit = (i) => () => (traces.length > 1 ? choose(i) : toMoment(i));
  function zoom(factor) {
    const [from, to] = view.window, most = view.revealed ? t().end : whole()[1], span = Math.min(most, Math.max(1000, (to - from) * factor));
    const start = Math.max(0, Math.min(most - span, view.at - span / 2));
    view.window = [start, start + span];
    drawPicture();
    drawState();
  }
  function setPlaying(on) { view.playing = on; $("play").textContent = on ? "❚❚" : "▶"; last = 0; if (!on) remember(); }
  function theme() {
    const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }
  function language() { view.lang = view.lang === "zh" ? "en" : "zh"; drawAll(); if (view.gated) openGate(); }
  function follow(uid) {
    view.follow = view.follow === uid ? null : uid;
    if (view.follow !== null && t().records.p[uid] >= 0) view.partition = t().records.p[uid];
    drawFrame();
    drawPicture();
    drawState();
  }
  function followNext() {
    const all = view.revealed ? suspects(t()) : [], sent = state.records.findLastIndex((r) => r.sent);
    const list = all.length ? all : [Math.max(0, sent)], next = list[list.indexOf(view.follow) + 1];
    if (t().records.by.length) follow(next === undefined ? view.follow : next);
  }
  function redraw(change) { return () => { change(); drawFrame(); drawPicture(); }; }
  function showVerdict() { if (view.revealed || !ask()) $("verdict").scrollIntoView(); else openGate(); }
  function legend() { $("legend").open = !$("legend").open; if ($("legend").open) $("legend").scrollIntoView({ block: "nearest" }); }
  function help() { $("keys").open = !$("keys").open; if ($("keys").open) $("keys").scrollIntoView(); }

  function tick(stamp) {
    if (!view.playing) return;
    if (last) {
      // Time runs at an even pace over the picture: calm gaps that are shrunk pass quickly.
      const x = picture.scale.x(view.at) + ((stamp - last) / WHOLE) * (picture.right - LEFT) * view.speed;
      const to = x >= picture.right ? picture.scale.to + 1 : Math.max(view.at + 1, picture.scale.time(x)), limit = wall();
      const hit = texts().stops.find((stop) => stop.t > view.at && stop.t <= to && (view.revealed || (stop.kind === "say" && stop.t <= limit)));
      const end = edge();
      seek(hit ? hit.t : Math.min(to, Math.max(end, Math.min(limit, t().end))));
      if (hit || view.at >= end) setPlaying(false);
    }
    last = stamp;
    if (view.playing) requestAnimationFrame(tick);
  }
  function toggle() {
    if (view.at >= edge()) seek(0);
    setPlaying(!view.playing);
    if (view.playing) requestAnimationFrame(tick);
  }

  const keys = {
    " ": toggle, ".": toggle, Home: () => seek(0), End: () => seek(Infinity), n: () => toStop(1), PageDown: () => toStop(1), p: () => toStop(-1), PageUp: () => toStop(-1),
    1: digit(0), 2: digit(1), 3: digit(2), 4: digit(3), f: followNext, v: showVerdict, d: theme, z: language, k: legend, "?": help,
    w: redraw(() => { view.pull = !view.pull; }), q: redraw(() => { view.quiet = !view.quiet; }), s: redraw(() => { view.strips = !view.strips; }),
    l: redraw(() => { view.scale = "linear"; }), e: redraw(() => { view.scale = "elastic"; }), r: redraw(() => { view.scale = "rank"; }),
    "+": redraw(() => { view.text = Math.min(2, view.text * 1.25); }), "-": redraw(() => { view.text = Math.max(0.8, view.text / 1.25); }),
    i: () => zoom(0.5), o: () => zoom(2), b: () => { $("blank").hidden = !$("blank").hidden; },
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.target.tagName;
    if (view.gated) {
      const options = $("options").querySelectorAll("button"), chosen = name === "INPUT" ? undefined : options[Number(event.key) - 1];
      if (chosen) { chosen.click(); event.preventDefault(); }
      else if (event.key === "Escape") { closeGate(); event.preventDefault(); }
      else if (event.key === "z") language();
      else if (event.key === "d") theme();
      return;
    }
    if (name === "SELECT" || ((name === "BUTTON" || name === "SUMMARY") && (event.key === " " || event.key === "Enter"))) return;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      const direction = event.key === "ArrowRight" ? 1 : -1;
      return event.shiftKey ? seek(view.at + direction * 1e6) : step(direction);
    }
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  const clicks = { play: toggle, prev: () => toStop(-1), next: () => toStop(1), theme, lang: language, strips: keys.s, waive: () => reveal(null), watch: closeGate, back: openGate, blank: keys.b };
  for (const id in clicks) $(id).onclick = clicks[id];
  $("time").oninput = (event) => { setPlaying(false); seek(Number(event.target.value)); };
  $("scale").onchange = (event) => { view.scale = event.target.value; drawPicture(); };
  $("partition").onchange = (event) => { view.partition = Number(event.target.value); drawPicture(); drawState(); };
  $("speed").onchange = (event) => { view.speed = Number(event.target.value); };
  $("table").ontoggle = () => $("table").open && drawTable();
  $("picture").onclick = (event) => {
    const stop = event.target.getAttribute("data-at"), arrow = event.target.getAttribute("data-i");
    if (stop) return seek(Number(stop));
    if (arrow !== null && t().arrow[arrow] === "produce") return follow(t().msgs.lo[arrow]);
    const box = picture.svg.getBoundingClientRect();
    seek(picture.scale.time(((event.clientX - box.left) / box.width) * WIDE));
  };
  for (const id of ["fates", "logs"]) $(id).onclick = (event) => {
    const chip = event.target.closest("[data-r]");
    if (chip) follow(Number(chip.dataset.r));
  };

  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.has("zh")) view.lang = "zh";
  if (wanted.has("en")) view.lang = "en";
  for (const name of ["dark", "light"]) if (wanted.has(name)) document.documentElement.dataset.theme = name;
  if (wanted.has("h")) view.hands = wanted.get("h").split(".").map(Number);
  if (wanted.has("open") || wanted.has("g")) view.revealed = true;
  if (wanted.has("g") && ask() && ask().options[wanted.get("g") - 1]) view.guess = wanted.get("g") - 1;
  view.strips = wanted.has("plots");
  $("legend").open = matchMedia("(min-height: 1000px)").matches;
  view.window = whole();
  view.at = view.revealed ? busy[0] : 0;
  if (wanted.has("t")) view.at = Math.max(0, Math.min(Number(wanted.get("t")) || 0, edge(), wall()));
  drawAll();
  if (wanted.has("f")) followNext();
  if (!view.revealed && !wanted.has("t")) openGate();
  document.documentElement.dataset.ready = Math.round(performance.now());
}

if (typeof document !== "undefined") readData().then(play);
