// Plays a page in Debian's Chromium for a while and takes a picture of it, a JSON object a line:
//   node show.mjs URL PROFILE_FOLDER SECONDS PICTURE.png
// "playing" once all its players have begun; "told" at the end.
import { chromium } from "playwright-core";

const [url, profile, seconds, picture] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1240, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});
const page = context.pages()[0] ?? await context.newPage();
try {
  await page.goto(url);
  await page.waitForFunction(() => window.told && (window.told().at > 2 || window.told().errors.length > 0),
    null, { timeout: 90000, polling: 250 });
  say({ event: "playing", ...await page.evaluate(() => window.told()) });
  await page.waitForTimeout(Number(seconds) * 1000);
  await page.screenshot({ path: picture });
  say({ event: "told", ...await page.evaluate(() => window.told()) });
} catch (e) {
  say({ event: "failed", why: String(e), seen: await page.evaluate(() => window.told && window.told()) });
  process.exitCode = 1;
} finally {
  await context.close();
}
