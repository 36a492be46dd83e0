// Decompresses the packaged browser's brotli files into the folder given; tar archives stay archives.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";

const out = process.argv[2];
if (!out) throw new Error("usage: node unpack.mjs FOLDER");
const packed = fileURLToPath(new URL("node_modules/@sparticuz/chromium/bin/", import.meta.url));
await mkdir(out, { recursive: true });
for (const name of await readdir(packed)) {
  if (!name.endsWith(".br")) continue;
  const target = createWriteStream(join(out, name.slice(0, -".br".length)), { mode: 0o700 });
  await pipeline(createReadStream(join(packed, name)), createBrotliDecompress(), target);
}
