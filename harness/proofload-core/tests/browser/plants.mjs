// Problems planted into a sound report, each of which must be found: a check that cannot say no proves nothing.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const OPEN = /<meta http-equiv="Content-Security-Policy"[^>]*>/;

/** Puts markup at the end of a page. */
const atEnd = (html, markup) => html.replace("</main>", `${markup}</main>`);
/** The same where nothing forbids requests and scripts. */
const unguarded = (html, markup) => atEnd(html.replace(OPEN, ""), markup);

/** What is planted, how, and how it must be told. */
const PLANTS = [
  ["a picture without words", (html) => atEnd(html, `<img src="${PIXEL}">`), /axe: image-alt/],
  ["grey on grey", (html) => atEnd(html, `<p style="color:#777;background:#888">pale</p>`), /axe: color-contrast/],
  ["a page without a language", (html) => html.replace(`<html lang="en">`, "<html>"), /axe: html-has-lang/],
  ["a request", (html) => unguarded(html, `<img alt="x" src="http://127.0.0.1:9/x.png">`), /a request leaves the file/],
  ["a request that the page forbids", (html) => atEnd(html, `<img alt="x" src="http://127.0.0.1:9/x.png">`), /console: /],
  ["a script that fails", (html) => unguarded(html, "<script>throw new Error('x')</script>"), /a script fails: x/],
  ["tables that a script must show", (html) => atEnd(html, "<style>table{display:none}</style>"), /without JavaScript/],
  ["a page that is too wide", (html) => atEnd(html, `<p style="width:3000px">wide</p>`), /wider than the window/],
  ["a drawing that tells nothing", (html) => html.replaceAll(/<title>[^<]+<\/title><\/rect>/g, "</rect>"), /no value is told/],
  ["a black ground on paper", (html) => atEnd(html, "<style>body{background:#000!important}</style>"), /printed as/],
];

/** Plants every problem into a page and looks whether it is found; says how many were not. */
export async function findAll(html, problemsOf) {
  const folder = mkdtempSync(join(tmpdir(), "proofload-report-"));
  const file = join(folder, "report.html");
  const look = async (page) => {
    writeFileSync(file, page);
    return problemsOf(file);
  };
  let missed = 0;
  try {
    const sound = await look(html);
    if (sound.length) throw new Error(`the report is not sound before anything is planted: ${sound[0]}`);
    for (const [name, plant, told] of PLANTS) {
      const planted = plant(html);
      const found = planted !== html && (await look(planted)).some((problem) => told.test(problem));
      console.log(`${found ? "found" : "MISSED"}: ${name}`);
      missed += found ? 0 : 1;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return missed;
}
