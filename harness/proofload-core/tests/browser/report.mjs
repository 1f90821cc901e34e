// Opens report.html as its readers do: in both themes, on a desk and on a phone, without JavaScript, on paper.
//
//   node report.mjs [--pictures DIR] REPORT...   every report must be free of problems
//   node report.mjs --self-test REPORT           every planted problem must be found in it
//
// Needs `npm ci` in this folder and a Chromium (CHROMIUM names another one than `chromium`).

import { mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { findAll } from "./plants.mjs";

const THEMES = ["light", "dark"];
const SIZES = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const RULES = { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] } };
// A page of tables and drawings is never as small as this.
const PDF_BYTES_LEAST = 10_000;

/** What a page of this browser context says, asks for and throws: nothing of it may happen. */
async function open(browser, file, context) {
  const problems = [];
  const page = await (await browser.newContext(context)).newPage();
  const url = pathToFileURL(resolve(file)).href;
  page.on("request", (request) => request.url() === url || problems.push(`a request leaves the file: ${request.url()}`));
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && problems.push(`console: ${said.text()}`));
  page.on("pageerror", (error) => problems.push(`a script fails: ${error.message}`));
  await page.goto(url, { waitUntil: "load" });
  return { page, problems };
}

/** axe-core finds nothing, and it did look at contrasts: a rule that met nothing proves nothing. */
async function readableByAll(page) {
  await page.evaluate(axe.source);
  const found = await page.evaluate((rules) => globalThis.axe.run(document, rules), RULES);
  const broken = found.violations.map((rule) => `axe: ${rule.id}: ${rule.nodes[0].target} (${rule.nodes.length} places)`);
  const looked = found.passes.some((rule) => rule.id === "color-contrast" && rule.nodes.length > 20);
  return looked ? broken : [...broken, "axe: hardly any contrast was looked at"];
}

/** Nothing but a table or a drawing in its own frame is wider than the window. */
async function fits(page) {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return wider > 0 ? [`the page is ${wider} pixels wider than the window`] : [];
}

/** Pointing at a drawing shows values. */
async function hovers(page) {
  return page.evaluate(() => {
    const drawings = [...document.querySelectorAll("svg[role=img]")];
    const silent = drawings.filter((drawing) => ![...drawing.querySelectorAll("title")].some((title) => title.textContent));
    return silent.map((drawing) => `no value is told by: ${drawing.getAttribute("aria-label")}`);
  });
}

/** Verdict and tables are there without a script. */
async function readableWithoutScript(page) {
  const problems = [];
  const verdict = await page.locator("h1 .verdict").innerText();
  if (!/PASS|FAIL|INVALID|INCONCLUSIVE/.test(verdict)) problems.push("no verdict is shown without JavaScript");
  // What is folded up opens without a script, too.
  for (const folded of await page.locator("details:not([open]) > summary").all()) await folded.click();
  for (const table of await page.locator("table").all()) {
    const told = (await table.isVisible()) ? await table.innerText() : "";
    if (told.split("\n").filter((line) => line.trim()).length < 3) problems.push("a table cannot be read without JavaScript");
  }
  return problems;
}

/** On paper everything is dark on white, whatever the theme of the screen. */
async function prints(page) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const pdf = await page.pdf({ format: "A4" });
  const problems = ground === "rgb(255, 255, 255)" ? [] : [`the ground is printed as ${ground}`];
  const whole = pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > PDF_BYTES_LEAST;
  return whole ? problems : [...problems, `printing gives ${pdf.length} bytes`];
}

async function onScreen(browser, file, theme, size, pictures) {
  const context = { colorScheme: theme, viewport: SIZES[size] };
  const { page, problems } = await open(browser, file, context);
  problems.push(...(await fits(page)), ...(await hovers(page)), ...(await readableByAll(page)));
  if (pictures) await page.screenshot({ path: `${pictures}-${theme}-${size}.png`, fullPage: true });
  await page.context().close();
  return problems.map((problem) => `${theme}, ${size}: ${problem}`);
}

async function withoutScript(browser, file) {
  const { page, problems } = await open(browser, file, { javaScriptEnabled: false, viewport: SIZES.desk });
  problems.push(...(await readableWithoutScript(page)));
  await page.context().close();
  return problems;
}

async function onPaper(browser, file) {
  const { page, problems } = await open(browser, file, { viewport: SIZES.desk });
  problems.push(...(await prints(page)));
  await page.context().close();
  return problems;
}

/** Every problem of one report. */
async function problemsOf(browser, file, { themes = THEMES, sizes = Object.keys(SIZES), pictures } = {}) {
  const problems = [];
  for (const theme of themes) {
    for (const size of sizes) problems.push(...(await onScreen(browser, file, theme, size, pictures)));
  }
  return [...problems, ...(await withoutScript(browser, file)), ...(await onPaper(browser, file))];
}

/** Opens reports one after the other; says how many are not as they should be. */
async function checkAll(browser, files, folder) {
  let bad = 0;
  if (folder) mkdirSync(folder, { recursive: true });
  for (const file of files) {
    const pictures = folder && join(folder, basename(dirname(resolve(file))));
    const problems = await problemsOf(browser, file, { pictures });
    console.log(`${file}: ${problems.length ? "" : "no problem"}`);
    for (const problem of problems) console.log(`  ${problem}`);
    bad += problems.length ? 1 : 0;
  }
  return bad;
}

async function main(words) {
  const selfTest = words[0] === "--self-test";
  const folder = words[0] === "--pictures" ? words[1] : undefined;
  const files = words.slice(selfTest ? 1 : folder ? 2 : 0);
  if (!files.length) throw new Error("name at least one report.html");
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-quic"] });
  try {
    // One theme and one size are enough to show that every check can say no.
    const look = (file) => problemsOf(browser, file, { themes: ["dark"], sizes: ["phone"] });
    if (selfTest) return await findAll(readFileSync(files[0], "utf8"), look);
    return await checkAll(browser, files, folder);
  } finally {
    await browser.close();
  }
}

process.exitCode = (await main(process.argv.slice(2))) ? 1 : 0;
