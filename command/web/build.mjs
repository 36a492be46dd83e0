// Bundles the pages into dist/: the map at /, the phone at /phone/, the public page at /report/, and their assets/
// with a content hash in each name.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "dist");
const require = createRequire(import.meta.url);
const PAGES = { app: "", phone: "phone", report: "report" };
const SOURCES = { app: "src/main.ts", phone: "src/phone/main.ts", report: "src/report/main.ts" };

/** `import url from "file-url:<module file>"`: the file is copied into assets/ and its address imported. */
const fileUrl = {
  name: "file-url",
  setup(bundler) {
    bundler.onResolve({ filter: /^file-url:/ }, ({ path }) => ({
      // Served as .js: not every web server knows the type of .mjs.
      path: path.slice("file-url:".length).replace(/\.mjs$/, ".js"),
      namespace: "file-url",
    }));
    bundler.onLoad({ filter: /.*/, namespace: "file-url" }, async ({ path }) => ({
      contents: await readFile(require.resolve(path.replace(/\.js$/, ".mjs"))),
      loader: "file",
    }));
  },
};

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "assets"), { recursive: true });
const shared = { absWorkingDir: here, bundle: true, target: ["es2024"], minify: true, metafile: true };
const { metafile } = await build({
  ...shared,
  entryPoints: SOURCES,
  outdir: "dist/assets",
  format: "esm",
  splitting: true,
  legalComments: "none",
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: "/assets",
  plugins: [fileUrl],
});

const url = (path) => path.replace(/^dist/, "");
const entries = Object.fromEntries(
  Object.entries(SOURCES).map(([name, source]) => {
    const found = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === source);
    if (!found) throw new Error(`esbuild wrote no entry for ${source}`);
    return [name, { script: found[0], style: found[1].cssBundle }];
  }),
);

/** What a bundle needs at once, or with `lazily` what it may load later as well. */
function parts(path, lazily, seen = new Set()) {
  if (seen.has(path) || !metafile.outputs[path]) return seen;
  seen.add(path);
  for (const { path: next, kind } of metafile.outputs[path].imports) {
    if (lazily || kind === "import-statement") parts(next, lazily, seen);
  }
  return seen;
}

for (const name of ["icon.svg", "phone-192.png", "phone-512.png"]) {
  await cp(join(here, "public", name), join(out, "assets", name));
}
for (const [name, folder] of Object.entries(PAGES)) {
  const page = (await readFile(join(here, name === "app" ? "index.html" : `${name}.html`), "utf8"))
    .replace("%SCRIPT%", url(entries[name].script))
    .replace("%STYLE%", url(entries[name].style));
  await mkdir(join(out, folder), { recursive: true });
  await writeFile(join(out, folder, "index.html"), page);
}
await cp(join(here, "public", "phone.webmanifest"), join(out, "phone", "manifest.webmanifest"));

// The phone's service worker keeps exactly these files; a change of any makes a new worker.
const first = [...parts(entries.phone.script, false), entries.phone.style].map(url);
const later = [...parts(entries.phone.script, true)].map(url).filter((path) => !first.includes(path));
const shell = ["/phone/", "/phone/manifest.webmanifest", "/assets/icon.svg", "/assets/phone-192.png"];
const files = { first: [...shell, ...first], later };
const digest = createHash("sha256").update(JSON.stringify(files)).update(await readFile(join(out, "phone", "index.html")));
await build({
  ...shared,
  entryPoints: ["src/phone/worker/worker.ts"],
  outfile: "dist/phone/worker.js",
  format: "iife",
  define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(digest.digest("hex").slice(0, 16)) },
});

for (const path of [...Object.keys(metafile.outputs), "dist/phone/worker.js"]) {
  const bytes = await readFile(join(here, path));
  const kib = (size) => `${(size / 1024).toFixed(0)} KiB`.padStart(9);
  console.log(`${kib(bytes.length)} ${kib(gzipSync(bytes).length)} gzip  ${path}`);
}
