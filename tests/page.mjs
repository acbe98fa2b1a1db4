// Drives pages of trials in a browser, by keyboard, as a reader does. Needs chromium,
// chromedriver and node, no packages. Run by tests/page.rs with the folder of the pages;
// ends with 77 where there is no browser.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { found, open, startDriver } from "./browser.mjs";

const KEY = { pageDown: "\uE00F", pageUp: "\uE00E", home: "\uE011", end: "\uE010", escape: "\uE00C" };
const SIZES = [[1280, 720], [1920, 1080]];
const STOPS_MAX = 12;
const BIG = 300_000; // bytes
const problems = [];

async function load(page, file, hash = "") {
  await page.go("about:blank");
  await page.go(`file://${file}#${hash}`);
  for (let n = 0; n < 10000; n++) {
    const ready = await page.run("return document.documentElement.dataset.ready || null");
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${file} never became ready`);
}

/** Runs in the page: texts that lie on each other, or are cut off. */
const MEASURE = `
  const out = [], wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth + 1) out.push("the page is wider than the window");
  for (const e of document.querySelectorAll("header *, #banner, .bar, .bar *, #say, .card")) {
    if (e.offsetParent && e.scrollWidth > e.clientWidth + 2 && e.clientWidth && !["INPUT", "SELECT"].includes(e.tagName)) out.push("cut off: " + (e.id || e.tagName) + " " + e.textContent.slice(0, 40));
  }
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect(), texts = [];
    for (const e of svg.querySelectorAll("text")) {
      const b = e.getBoundingClientRect();
      if (!e.textContent || !b.width) continue;
      const cut = b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 4 || b.bottom > frame.bottom + 4;
      if (cut) out.push("outside: " + e.textContent);
      texts.push([b, e.textContent]);
    }
    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
      const [a, b] = [texts[i][0], texts[j][0]], slack = 0.22 * Math.min(a.height, b.height);
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left), down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1.5 && down > slack + 1) out.push("overlap: " + texts[i][1] + " / " + texts[j][1]);
    }
  }
  const logs = document.getElementById("logs").getBoundingClientRect(), brokers = document.querySelectorAll("#logs svg > text.name, #logs svg .name").length;
  const fits = brokers > 3 || document.getElementById("strips").getAttribute("aria-pressed") === "true" || logs.bottom + scrollY <= innerHeight;
  if (!fits) out.push("the logs end at " + Math.round(logs.bottom + scrollY) + ", below the window of " + innerHeight);
  return { out: out.slice(0, 4), at: document.getElementById("now").textContent };
`;

async function measure(page, where) {
  const { out, at } = await page.run(MEASURE);
  for (const text of out) problems.push(`${where} at ${at}: ${text}`);
  return at;
}

async function resize(page, [width, height]) {
  await page.cdp("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  await page.run("dispatchEvent(new Event('resize'))");
}

/** Goes through the stops of a page in both languages and themes, at both sizes; through few of a big one. */
async function walk(page, file, name) {
  const big = statSync(file).size > BIG;
  const stops = big ? [3, 1] : [STOPS_MAX, 3], keys = big ? [["f", "s"], ["w"]] : [["f", "s", "q"], ["f", "w", "l", "r", "e", "s"]];
  for (const [n, size] of SIZES.entries()) {
    await resize(page, size);
    await load(page, file, "open");
    const where = `${name} ${size.join("x")}`;
    await measure(page, `${where} end`);
    const clock = () => page.run("const e = document.getElementById('time'); return [Number(e.value), Number(e.max)]");
    const [opened, most] = await clock();
    await page.press(KEY.end);
    const [ended] = await clock();
    if (opened !== most || ended !== most) problems.push(`${where}: it opens at ${opened}, ends at ${ended} and goes to ${most}`);
    const open = () => page.run("return document.getElementById('legend').open"), wasOpen = await open();
    await page.press("k");
    if (wasOpen === (await open())) problems.push(`${where}: k does not fold the legend`);
    await measure(page, `${where} legend`);
    await page.press(KEY.home);
    let before = "";
    for (let stop = 0; stop < stops[n]; stop++) {
      await page.press(KEY.pageDown);
      const at = await measure(page, where);
      if (at === before) break;
      before = at;
      await page.press("z");
      await measure(page, `${where} zh`);
      if (stop % 2) await page.press("z");
      if (stop === 1) await page.press("d");
    }
    for (const key of keys[n]) {
      await page.press(key);
      await measure(page, `${where} ${key}`);
    }
    await page.press(KEY.pageUp);
    await measure(page, `${where} back`);
  }
}

/** A page with a question tells nothing of what follows before it is answered. */
async function gate(page, file) {
  const check = (holds, what) => { if (!holds) problems.push(`gate: ${what}`); };
  const told = `return [document.title, document.body.innerText, ...[...document.querySelectorAll("[aria-label]")].map((e) => e.getAttribute("aria-label")),
    ...[...document.querySelectorAll("#picture svg text, #facts td")].map((e) => e.textContent)].join("\\n")`;
  const shown = (id) => page.run("return !document.getElementById(arguments[0]).hidden", id);
  await resize(page, SIZES[0]);
  await load(page, file);
  check(await shown("gate"), "the question does not cover the page");
  await measure(page, "gate");
  check(!(await page.run("return document.activeElement.closest('#options')")), "an answer looks as if it were chosen");
  await page.press("z");
  await page.press("z");
  await page.press(KEY.escape);
  check(!(await shown("gate")), "the page cannot be watched first");
  await page.run("document.getElementById('back').click()");
  check(await shown("gate"), "there is no way back to the question");
  await page.press(KEY.escape);
  await page.run("document.getElementById('legend').open = true");
  for (let stop = 0; stop < 6 && !(await shown("gate")); stop++) await page.press(KEY.pageDown);
  check(await shown("gate"), "one gets past the deciding moment");
  await page.press(KEY.escape);
  await page.run("document.getElementById('table').open = true");
  await page.press(KEY.end);
  await page.press(KEY.escape);
  const secret = /BREAKS|in no log|acknowledges what nobody|②|③|④|removed|leader e1|at risk|lost/i, text = await page.run(told);
  check(!secret.test(text), `it tells ${text.match(secret)}`);
  const open = "return getComputedStyle(document.querySelector('.veil')).opacity";
  check((await page.run(open)) === "1", "the future can be seen through the veil");
  check(!(await shown("verdict")) && !(await shown("banner")), "the verdict is shown");
  await page.press("v");
  await page.press("2");
  check((await shown("verdict")) && (await shown("guess")), "no verdict after the prediction");
  check(secret.test(await page.run(told)), "the prediction reveals nothing");
  check(!(await shown("back")), "the question is still to be had after the answer");
  await new Promise((resolve) => setTimeout(resolve, 500));
  check((await page.run("return location.hash")).includes("g=2"), "the prediction is not kept in the address");
}

/** Time that it takes to open a page, in seconds: the best of a few tries, more of them where the machine is busy. */
async function opening(page, file) {
  let best = Infinity;
  for (let n = 0; n < 12 && (n < 2 || best > 1); n++) {
    await load(page, file, "open");
    best = Math.min(best, (await page.run("return Number(document.documentElement.dataset.ready)")) / 1000);
  }
  return best;
}

async function main(folder) {
  const browser = found(["chromium", "chromium-browser", "google-chrome"]), path = found(["chromedriver"]);
  if (!browser || !path || typeof fetch === "undefined") {
    console.log(`skipped: ${!browser ? "chromium" : !path ? "chromedriver" : "a node that can fetch"} is not installed`);
    return 77;
  }
  const profile = mkdtempSync(join(tmpdir(), "trial-page-")), { driver, base } = await startDriver(path);
  let page, biggest = { size: 0 };
  try {
    const which = spawnSync("sh", ["-c", `command -v ${browser}`]).stdout.toString().trim();
    page = await open(base, which, profile);
    const files = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
    for (const name of files) {
      const file = join(folder, name), began = Date.now();
      if (name === "gate.html") await gate(page, file);
      else await walk(page, file, name.replace(".html", ""));
      console.log(`${name}: ${Date.now() - began} ms`);
      const size = statSync(file).size;
      if (size > biggest.size) biggest = { size, file };
    }
    const seconds = await opening(page, biggest.file);
    console.log(`${biggest.file}: ${biggest.size} bytes, opened in ${seconds.toFixed(2)} s`);
    if (seconds > 1) problems.push(`${biggest.file} takes ${seconds.toFixed(2)} s to open`);
    for (const entry of await page.log("browser")) problems.push(`console: ${entry.message}`);
    for (const entry of await page.log("performance")) {
      const { method, params } = JSON.parse(entry.message).message;
      const url = method === "Network.requestWillBeSent" ? params.request.url : "";
      if (url && !/^(file|data|about|chrome|chrome-untrusted):/.test(url)) problems.push(`request: ${url}`);
    }
  } finally {
    if (page) await page.end().catch(() => {});
    driver.kill();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
  for (const text of problems.slice(0, 40)) console.log(text);
  if (problems.length) console.log(`${problems.length} problems`);
  return problems.length ? 1 : 0;
}

main(process.argv[2]).then((code) => { process.exitCode = code; }, (error) => { console.log(error.stack); process.exitCode = 1; });
