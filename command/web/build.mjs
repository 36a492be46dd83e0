// Bundles the live map into dist/: index.html and assets/ with a content hash in each name.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "dist");
const require = createRequire(import.meta.url);

/** `import url from "worker-url:<module file>"`: the file is copied into assets/ and its address imported. */
const workerUrl = {
  name: "worker-url",
  setup(bundler) {
    bundler.onResolve({ filter: /^worker-url:/ }, ({ path }) => ({
      // Served as .js: not every web server knows the type of .mjs.
      path: path.slice("worker-url:".length).replace(/\.mjs$/, ".js"),
      namespace: "worker-url",
    }));
    bundler.onLoad({ filter: /.*/, namespace: "worker-url" }, async ({ path }) => ({
      contents: await readFile(require.resolve(path.replace(/\.js$/, ".mjs"))),
      loader: "file",
    }));
  },
};

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "assets"), { recursive: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.ts" },
  outdir: "dist/assets",
  bundle: true,
  format: "esm",
  target: ["es2024"],
  minify: true,
  metafile: true,
  legalComments: "none",
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: "/assets",
  plugins: [workerUrl],
});

const outputs = Object.entries(metafile.outputs);
const entry = outputs.find(([, { entryPoint }]) => entryPoint === "src/main.ts");
if (!entry) throw new Error("esbuild wrote no entry for src/main.ts");
const icon = await readFile(join(here, "public", "icon.svg"));
await writeFile(join(out, "assets", "icon.svg"), icon);
const page = (await readFile(join(here, "index.html"), "utf8"))
  .replace("%SCRIPT%", entry[0].replace(/^dist/, ""))
  .replace("%STYLE%", entry[1].cssBundle.replace(/^dist/, ""));
await writeFile(join(out, "index.html"), page);

for (const [path] of outputs) {
  const bytes = await readFile(join(here, path));
  const kib = (size) => `${(size / 1024).toFixed(0)} KiB`.padStart(9);
  console.log(`${kib(bytes.length)} ${kib(gzipSync(bytes).length)} gzip  ${path}`);
}
