// Plays a page in Debian's Chromium and tells what it sees, a JSON object a line:
//   node drive.mjs URL PROFILE_FOLDER
// "playing" once pictures move; then an answer to each line on standard input; ends with it.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [url, profile] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});
const page = context.pages()[0] ?? await context.newPage();
try {
  await page.goto(url);
  await page.waitForFunction(() => window.told && (window.told().at > 2 || window.told().errors.length > 0),
    null, { timeout: 120000, polling: 250 });
  say({ event: "playing", ...await page.evaluate(() => window.told()) });
  for await (const _ of createInterface({ input: process.stdin })) {
    say({ event: "told", ...await page.evaluate(() => window.told()) });
  }
} catch (e) {
  say({ event: "failed", why: String(e), seen: await page.evaluate(() => window.told && window.told()) });
  process.exitCode = 1;
} finally {
  await context.close();
}
