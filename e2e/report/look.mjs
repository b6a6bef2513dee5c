// Opens pages in Chromium and says what is wrong with them, a line each: look.mjs CHROMIUM PAGE... Screenshots go to $SCREENSHOTS where it is set.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(path.join(process.env.MODULES, "package.json"));
const { chromium } = modules("playwright-core");
const axe = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

const [executablePath, ...pages] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let bad = 0;
const say = (line) => { bad++; console.log(line); };

for (const file of pages) {
  for (const [colorScheme, width] of [["light", 1200], ["dark", 400]]) {
    const name = `${path.basename(file)} ${colorScheme} ${width}px`;
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    page.on("console", (m) => say(`${name}: console: ${m.text()}`));
    page.on("pageerror", (e) => say(`${name}: error: ${e}`));
    page.on("dialog", (d) => { say(`${name}: a dialog opened: ${d.message()}`); d.dismiss(); });
    page.on("request", (r) => { if (r.url() !== pathToFileURL(file).href && !r.url().startsWith("data:")) say(`${name}: it asks for ${r.url()}`); });
    await page.goto(pathToFileURL(file).href);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) say(`${name}: wider than the window by ${wide} px`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run());
    if (found.passes.length < 10) say(`${name}: only ${found.passes.length} rules were tried`);
    for (const v of found.violations) {
      say(`${name}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
    }
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: path.join(process.env.SCREENSHOTS, name.replaceAll(" ", "-") + ".png"), fullPage: true });
    }
    await context.close();
  }
}
await browser.close();
process.exit(bad ? 1 : 0);
