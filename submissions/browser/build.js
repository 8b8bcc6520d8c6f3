/**
 * Bundle what has libraries in it: `node build.js [output directory]`, by default var/static-built at the top of the
 * repository. Not minified: whoever wants to know what reads the picture can open the served file and read it.
 */

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2] ?? join(here, "../../var/static-built"));
const notice = readFileSync(join(here, "NOTICE"), "utf8");

// Classic workers: Firefox before 114 and iOS before 15 have no module workers.
await bundle("hash-worker", "iife");
await bundle("heic-worker", "iife", `/*!\n${notice}*/`);
// The picture of the code: a module of the page, which draws nothing until a code is there.
await bundle("qr", "esm");

/**
 * @param {string} name
 * @param {"iife" | "esm"} format
 * @param {string} [banner] - A comment at the top of the file.
 */
async function bundle(name, format, banner = "") {
  await build({
    absWorkingDir: here,
    entryPoints: { [name]: `${name}.js` },
    outdir: join(output, "submissions/js"),
    bundle: true,
    format,
    target: ["es2020"],
    charset: "utf8",
    legalComments: "inline",
    banner: { js: banner },
    logLevel: "info",
  });
}
