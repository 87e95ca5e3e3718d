// Tabs in Debian's Chromium without anything from npm, by its debugging pipe (Chrome DevTools Protocol):
//   node drive.mjs PROFILE_FOLDER WIDTHxHEIGHT PICTURE.png URL… [--later URL…]
// Says a JSON object a line: {"event": "open", "tab": 0}, {"event": "error", "tab": 0, "text": …} for whatever goes wrong in a page,
// {"event": "shot", "path": …}. SIGUSR1 takes a picture of the first tab (PICTURE-2.png the next time), SIGUSR2 opens the next of those that
// stand behind --later, SIGTERM ends all.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [profile, size, picture, ...rest] = process.argv.slice(2);
const [width, height] = size.split("x").map(Number);
const cut = rest.includes("--later") ? rest.indexOf("--later") : rest.length;
const urls = rest.slice(0, cut), later = rest.slice(cut + 1);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const chromium = spawn(process.env.CHROMIUM ?? "chromium", ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", `--user-data-dir=${profile}`,
  "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-extensions", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows", "--hide-scrollbars", `--window-size=${width},${height}`], { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"] });
const [, , , down, up] = chromium.stdio;
let last = 0;
const waiting = new Map(), tabs = new Map();
const ask = (method, params = {}, sessionId) => new Promise((done, fail) => {
  waiting.set(++last, { done, fail, method });
  down.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
});
const heard = (message) => {
  if (message.id) {
    const { done, fail, method } = waiting.get(message.id);
    waiting.delete(message.id);
    return message.error ? fail(new Error(`${method}: ${message.error.message}`)) : done(message.result);
  }
  const tab = tabs.get(message.sessionId);
  if (message.method === "Runtime.exceptionThrown") {
    const { exceptionDetails: what } = message.params;
    say({ event: "error", tab, text: what.exception?.description ?? what.text });
  }
  if (message.method === "Runtime.consoleAPICalled" && message.params.type === "error")
    say({ event: "error", tab, text: message.params.args.map((one) => one.description ?? one.value).join(" ") });
};
let held = "";
up.setEncoding("utf8").on("data", (piece) => {
  const messages = (held + piece).split("\0");
  held = messages.pop();
  messages.forEach((message) => heard(JSON.parse(message)));
});

const first = [];
async function open(url) {
  const { targetId } = await ask("Target.createTarget", { url: "about:blank", newWindow: true, width, height });
  const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
  const tab = tabs.size;
  tabs.set(sessionId, tab);
  first.push(sessionId);
  await Promise.all([ask("Page.enable", {}, sessionId), ask("Runtime.enable", {}, sessionId),
    ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false }, sessionId),
    ask("Emulation.setFocusEmulationEnabled", { enabled: true }, sessionId)]);
  await ask("Page.navigate", { url }, sessionId);
  say({ event: "open", tab });
}
let shots = 0;
async function shoot() {
  const { data } = await ask("Page.captureScreenshot", { format: "png" }, first[0]);
  const path = ++shots === 1 ? picture : picture.replace(/\.png$/, `-${shots}.png`);
  writeFileSync(path, Buffer.from(data, "base64"));
  say({ event: "shot", path });
}
const failed = (e) => { say({ event: "failed", text: String(e) }); process.exitCode = 1; chromium.kill(); };
process.on("SIGUSR1", () => shoot().catch(failed));
process.on("SIGUSR2", () => { const url = later.shift(); if (url) open(url).catch(failed); });
for (const end of ["SIGTERM", "SIGINT"]) process.on(end, () => { ask("Browser.close").catch(() => {}); setTimeout(() => chromium.kill("SIGKILL"), 4000).unref(); });
chromium.on("exit", () => process.exit());
chromium.on("error", failed);
for (const url of urls) await open(url).catch(failed);
