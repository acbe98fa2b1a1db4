// A browser that tests drive by WebDriver: chromium and chromedriver, no packages.
import { spawn, spawnSync } from "node:child_process";

/** Returns the first of some programs that is installed. */
export function found(names) {
  return names.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
}

/** Starts chromedriver at a port of its choice. */
export async function startDriver(path) {
  const driver = spawn(path, ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise((resolve, reject) => {
    let text = "";
    driver.stdout.on("data", (bytes) => {
      text += bytes;
      const said = text.match(/started successfully on port (\d+)/);
      if (said) resolve(said[1]);
    });
    driver.on("exit", () => reject(new Error(`chromedriver ended: ${text}`)));
  });
  return { driver, base: `http://127.0.0.1:${port}` };
}

/** A browser session: the few commands of WebDriver that are needed. */
export async function open(base, browser, profile) {
  const call = async (method, path, body) => {
    const answer = await fetch(base + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${value.message}`);
    return value;
  };
  const args = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-prefers-reduced-motion", `--user-data-dir=${profile}`,
  ];
  const options = { "goog:chromeOptions": { args, binary: browser }, "goog:loggingPrefs": { browser: "ALL", performance: "ALL" } };
  const { sessionId } = await call("POST", "/session", { capabilities: { alwaysMatch: options } });
  const at = `/session/${sessionId}`;
  const run = (script, ...args2) => call("POST", `${at}/execute/sync`, { script, args: args2 });
  // On a busy machine the driver may answer while the page is still being read.
  const go = async (url) => {
    await call("POST", `${at}/url`, { url });
    const wanted = new URL(url).href.split("#")[0];
    const isThere = "return document.readyState === 'complete' && location.href.split('#')[0] === arguments[0]";
    for (const end = Date.now() + 60_000; !(await run(isThere, wanted));) {
      if (Date.now() > end) throw new Error(`${url} is not read to its end within a minute`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return {
    run,
    go,
    cdp: (cmd, params = {}) => call("POST", `${at}/goog/cdp/execute`, { cmd, params }),
    press: (key) => call("POST", `${at}/actions`, { actions: [{ type: "key", id: "keys", actions: [{ type: "keyDown", value: key }, { type: "keyUp", value: key }] }] }),
    log: (type) => call("POST", `${at}/se/log`, { type }),
    end: () => call("DELETE", at),
  };
}
