// Reads the book in a browser, from the folder that it lies in. Needs chromium, chromedriver and
// node, no packages. Run by tests/book.rs with the folder of the book; ends with 77 where there
// is no browser. With a second folder it leaves pictures of some pages there, for people to look at.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { found, open, startDriver } from "./browser.mjs";

const problems = [];
const check = (holds, what) => { if (!holds) problems.push(what); };
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Opens a page, and asks what a reader would trip over. */
async function look(page, file, name) {
  await page.go("about:blank");
  await page.go(`file://${file}#top`);
  const wide = await page.run("const it = document.documentElement; return it.scrollWidth - it.clientWidth");
  check(wide <= 1, `${name} is ${wide} pixels wider than the window`);
  const broken = await page.run("return [...document.images].filter((it) => !it.naturalWidth).map((it) => it.src)");
  check(broken.length === 0, `${name}: no picture at ${broken}`);
  const empty = await page.run("return document.querySelector('main').innerText.trim().length");
  check(empty > 40, `${name} is empty`);
}

/** A question covers what follows until it is answered. */
async function ask(page, file) {
  await page.go("about:blank");
  await page.go(`file://${file}`);
  const seen = "return [...document.querySelectorAll('main .console')].some((it) => it.offsetParent)";
  check(!(await page.run(seen)), "the run is shown before the question is answered");
  const right = await page.run("return Number(document.querySelector('.predict').dataset.answer)");
  await page.run("document.querySelectorAll('.predict ol button')[arguments[0]].click()", (right + 1) % 3);
  check(await page.run(seen), "an answer does not uncover the run");
  const marked = "return [document.querySelectorAll('.right').length, document.querySelectorAll('.wrong').length].join()";
  check((await page.run(marked)) === "1,1", "the right and the wrong answer are not marked");
  check(await page.run("return document.querySelector('.predict details').open"), "the reason is not shown");
}

/** The search finds words in sections, Chinese as well as English. */
async function search(page, file, word) {
  await page.go("about:blank");
  await page.go(`file://${file}#top`);
  await page.run("const box = document.getElementById('trial-search'); box.focus(); box.value = arguments[0]; box.dispatchEvent(new Event('input'))", word);
  for (let n = 0; n < 6000 && (await page.run("return document.getElementById('trial-found').hidden")); n++) await wait(10);
  const links = await page.run("return [...document.querySelectorAll('#trial-found a')].map((it) => it.innerText)");
  check(links.length > 1, `the search finds ${word} ${links.length} times`);
  check(links.every((it) => it.toLowerCase().includes(word)), `the search for ${word} shows other lines`);
}

/** The theme of the page is that of its pictures. */
async function dark(page, file) {
  await page.go("about:blank");
  await page.go(`file://${file}#top`);
  const paint = "return getComputedStyle(document.querySelector('.picture svg text')).fill";
  await page.run("document.getElementById('mdbook-theme-light').click()");
  const light = await page.run(paint);
  await page.run("document.getElementById('mdbook-theme-navy').click()");
  check(light !== (await page.run(paint)), "pictures do not follow the theme");
  await page.run("document.getElementById('mdbook-theme-light').click()");
}

/** Leaves a picture of a whole page. */
async function shoot(page, file, to, theme) {
  await page.go("about:blank");
  await page.go(`file://${file}#top`);
  await page.run("document.getElementById('mdbook-theme-' + arguments[0]).click()", theme);
  const { cssContentSize } = await page.cdp("Page.getLayoutMetrics");
  const clip = { x: 0, y: 0, width: cssContentSize.width, height: Math.min(cssContentSize.height, 9000), scale: 1 };
  const { data } = await page.cdp("Page.captureScreenshot", { format: "png", captureBeyondViewport: true, clip });
  writeFileSync(to, Buffer.from(data, "base64"));
  await page.run("document.getElementById('mdbook-theme-light').click()");
}

async function main(folder, pictures) {
  const browser = found(["chromium", "chromium-browser", "google-chrome"]), path = found(["chromedriver"]);
  if (!browser || !path || typeof fetch === "undefined") {
    console.log("skipped: chromium, chromedriver or a node that can fetch is not installed");
    return 77;
  }
  const profile = mkdtempSync(join(tmpdir(), "trial-book-")), { driver, base } = await startDriver(path);
  let page;
  try {
    const which = spawnSync("sh", ["-c", `command -v ${browser}`]).stdout.toString().trim();
    page = await open(base, which, profile);
    await page.cdp("Emulation.setDeviceMetricsOverride", { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false });
    for (const language of ["en", "zh"]) {
      const at = join(folder, language);
      const names = readdirSync(at).filter((name) => name.endsWith(".html") && name !== "toc.html").sort();
      const chapters = names.filter((name) => /^\d\d-/.test(name));
      const others = ["index.html", "claim-cards.html", "ref-settings.html", "ref-commands.html"];
      for (const name of pictures ? names : chapters.concat(others)) await look(page, join(at, name), `${language}/${name}`);
      await ask(page, join(at, chapters[0]));
      await dark(page, join(at, chapters[0]));
      for (const word of ["leader", language === "zh" ? "首领" : "acknowledged"]) await search(page, join(at, chapters[0]), word);
      if (!pictures) continue;
      for (const name of names) for (const theme of ["light", "navy"]) {
        await shoot(page, join(at, name), join(pictures, `${language}-${theme}-${name.replace(".html", ".png")}`), theme);
      }
    }
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

main(process.argv[2], process.argv[3]).then((code) => { process.exitCode = code; }, (error) => { console.log(error.stack); process.exitCode = 1; });
