import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Plugin } from 'vite';

const brotli = promisify(brotliCompress);

/** Files from this size on are kept in compressed form only. */
const large = 1_000_000;

/**
 * Large WebAssembly goes into the box as Brotli alone: every browser that can hold a meeting takes
 * it, and the image stays small.
 */
export function compress(): Plugin {
  let folder = '';
  return {
    name: 'meetbox-compress',
    apply: 'build',
    configResolved(config) {
      folder = path.resolve(config.root, config.build.outDir, config.build.assetsDir);
    },
    async closeBundle() {
      for (const name of (await readdir(folder)).filter((n) => n.endsWith('.wasm'))) {
        const file = path.join(folder, name);
        const plain = await readFile(file);
        if (plain.length < large) continue;
        const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
        await writeFile(`${file}.br`, await brotli(plain, { params }));
        await rm(file);
      }
    },
  };
}
