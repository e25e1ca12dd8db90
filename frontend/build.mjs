// Builds src/optria/web/static from this folder: `node build.mjs`, or `--check` to compare without writing.
// Needs nothing but node and what package.json names. The same input gives the same bytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.join(here, "../src/optria/web/static");
const modules = path.join(here, "node_modules");
const check = process.argv.includes("--check");

const COPIES = {
  "js/alpine.js": "@alpinejs/csp/dist/module.esm.min.js",
  "js/uplot.js": "uplot/dist/uPlot.esm.js",
  "js/dagre.js": "@dagrejs/dagre/dist/dagre.esm.js",
  "fonts/ibm-plex-sans-latin-wght-normal.woff2": "@fontsource-variable/ibm-plex-sans/files/ibm-plex-sans-latin-wght-normal.woff2",
  "fonts/ibm-plex-sans-arabic-arabic-400-normal.woff2": "@fontsource/ibm-plex-sans-arabic/files/ibm-plex-sans-arabic-arabic-400-normal.woff2",
  "fonts/ibm-plex-sans-arabic-arabic-500-normal.woff2": "@fontsource/ibm-plex-sans-arabic/files/ibm-plex-sans-arabic-arabic-500-normal.woff2",
  "fonts/ibm-plex-mono-latin-400-normal.woff2": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2",
  "fonts/ibm-plex-mono-latin-500-normal.woff2": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-500-normal.woff2",
  "licences/IBM-Plex-OFL-1.1.txt": "@fontsource-variable/ibm-plex-sans/LICENSE",
  "licences/lucide-ISC.txt": "lucide-static/LICENSE",
  "licences/uplot-MIT.txt": "uplot/LICENSE",
  "licences/dagre-MIT.txt": "@dagrejs/dagre/LICENSE",
  "licences/swagger-ui-Apache-2.0.txt": "swagger-ui-dist/LICENSE",
  "licences/swagger-ui-NOTICE.txt": "swagger-ui-dist/NOTICE",
  "swagger/swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
  "swagger/swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger/swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
};

function stylesheet() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "optria-css-"));
  const out = path.join(folder, "app.css");
  try {
    execFileSync(path.join(modules, ".bin/tailwindcss"), ["-i", path.join(here, "css/app.css"), "-o", out, "--minify"], {
      cwd: here, stdio: ["ignore", "ignore", "inherit"],
    });
    return Buffer.concat([fs.readFileSync(out), fs.readFileSync(path.join(modules, "uplot/dist/uPlot.min.css"))]);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function sprite() {
  const names = JSON.parse(fs.readFileSync(path.join(here, "icons.json"), "utf8"));
  const symbols = [...names].sort().map((name) => {
    const svg = fs.readFileSync(path.join(modules, "lucide-static/icons", `${name}.svg`), "utf8");
    const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).replace(/\s+/g, " ").trim();
    return `<symbol id="${name}" viewBox="0 0 24 24">${inner}</symbol>`;
  });
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

function build() {
  const files = { "app.css": stylesheet(), "icons.svg": sprite(), "mark.svg": fs.readFileSync(path.join(here, "mark.svg")) };
  for (const [name, source] of Object.entries(COPIES)) files[name] = fs.readFileSync(path.join(modules, source));
  for (const name of fs.readdirSync(path.join(here, "js")).filter((n) => n.endsWith(".js"))) {
    files[`js/${name}`] = fs.readFileSync(path.join(here, "js", name));
  }
  for (const name of fs.readdirSync(path.join(here, "swagger"))) {
    files[`swagger/${name}`] = fs.readFileSync(path.join(here, "swagger", name));
  }
  const sums = {};
  for (const name of Object.keys(files).sort()) sums[name] = createHash("sha256").update(files[name]).digest("hex");
  const hash = createHash("sha256").update(JSON.stringify(sums)).digest("hex").slice(0, 12);
  files["manifest.json"] = Buffer.from(`${JSON.stringify({ build: hash, files: sums }, null, 2)}\n`);
  return files;
}

function present(folder, prefix = "") {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? present(path.join(folder, entry.name), `${prefix}${entry.name}/`) : [prefix + entry.name]);
}

const files = build();
const stale = present(target).filter((name) => !(name in files));
const changed = Object.keys(files).filter((name) => {
  const file = path.join(target, name);
  return !fs.existsSync(file) || !fs.readFileSync(file).equals(files[name]);
});
if (check) {
  for (const name of changed) console.error(`differs: ${name}`);
  for (const name of stale) console.error(`not built from here: ${name}`);
  if (changed.length + stale.length) process.exit(1);
  console.log("The committed assets are what this folder builds.");
} else {
  for (const name of stale) fs.rmSync(path.join(target, name));
  for (const name of changed) {
    fs.mkdirSync(path.dirname(path.join(target, name)), { recursive: true });
    fs.writeFileSync(path.join(target, name), files[name]);
  }
  console.log(`${Object.keys(files).length} files, build ${JSON.parse(files["manifest.json"]).build}, ${changed.length} changed`);
}
