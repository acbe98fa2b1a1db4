// Run by node: reads lines of {"trace": …, "states": […]} and says where the player's fold
// differs from the states that come with it.
"use strict";
const { decode, fold, plain } = require("./fold.js");
const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
let differences = 0;
const order = (value) => JSON.stringify(value, (_, v) =>
  v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v);
for (const line of lines) {
  const { name, trace, states } = JSON.parse(line);
  const t = decode(trace);
  // Forward, then from the last to the first, where there are many: going back must lead to
  // the same.
  const back = states.length > 5 ? states.slice().reverse() : [];
  for (const wanted of [...states, ...back]) {
    const got = order(plain(t, fold(t, wanted.at)));
    const want = order(wanted);
    if (got !== want && differences++ < 5) {
      let i = 0;
      while (got[i] === want[i]) i++;
      console.log(`${name} at ${wanted.at}: …${got.slice(Math.max(0, i - 60), i + 60)}… is not …${want.slice(Math.max(0, i - 60), i + 60)}…`);
    }
  }
}
console.log(`${lines.length} traces, ${differences} differences`);
process.exit(differences ? 1 : 0);
