// Moves a slider of the green demo's page in Debian's Chromium, as a hand does, and tells what the page then says:
//   node slide.mjs URL PROFILE_FOLDER PLACE
// The page's own players are kept out: the demo's browser has them already. A line on standard input lets go.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [url, profile, place] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const page = context.pages()[0] ?? await context.newPage();
try {
  await page.route("**/players/*", (route) => route.abort());
  await page.goto(url);
  const slider = page.locator(`#r${place}`);
  await slider.waitFor({ timeout: 30000 });
  await slider.focus();
  await slider.press("End");
  const label = page.locator(`#s${place}`);
  await page.waitForFunction((id) => document.getElementById(id).textContent.includes("held"), `s${place}`,
    { timeout: 20000, polling: 200 });
  say({ event: "held", label: await label.textContent() });
  for await (const _ of createInterface({ input: process.stdin })) {
    await label.dblclick();
    await page.waitForFunction((id) => document.getElementById(id).textContent.includes("follows the day"), `s${place}`,
      { timeout: 20000, polling: 200 });
    say({ event: "let go", label: await label.textContent() });
  }
} catch (e) {
  say({ event: "failed", why: String(e) });
  process.exitCode = 1;
} finally {
  await context.close();
}
