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
  return {
    run: (script, ...args2) => call("POST", `${at}/execute/sync`, { script, args: args2 }),
    cdp: (cmd, params = {}) => call("POST", `${at}/goog/cdp/execute`, { cmd, params }),
    press: (key) => call("POST", `${at}/actions`, { actions: [{ type: "key", id: "keys", actions: [{ type: "keyDown", value: key }, { type: "keyUp", value: key }] }] }),
    log: (type) => call("POST", `${at}/se/log`, { type }),
    go: (url) => call("POST", `${at}/url`, { url }),
    end: () => call("DELETE", at),
  };
}
