import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plugin } from 'vite';

const version = '0.18.1';
const dist = path.resolve(import.meta.dirname, 'node_modules/@excalidraw/excalidraw/dist/prod');
const from = `/@excalidraw/excalidraw/dist/prod/`;

/** Languages of the pages; all others are English here. */
const languages = /\/(?:de-DE|en|es-ES|fr-FR|it-IT|nl-NL|percentages|pl-PL|pt-BR)-\w+\.js$/;

/** What must be found, so that a newer version is looked at again. */
const changes: readonly { readonly in: RegExp; readonly what: RegExp; readonly by: string; readonly times: number }[] = [
  // The fonts that a page does not name are fetched from a stranger: here the box is that.
  { in: /chunk-K2UTITRG\.js$/, what: /`https:\/\/esm\.sh\/.*?\/dist\/prod\/`/g, by: `new URL("/assets/excalidraw-${version}/",location.origin).href`, times: 1 },
  // 13 MB of Chinese handwriting; the device's own font takes its place.
  { in: /chunk-K2UTITRG\.js$/, what: /"\.\/fonts\/Xiaolai\/[^"]+"/g, by: '"local:"', times: 209 },
  // The page's policy lets no markup set a style; scripts may.
  { in: /chunk-K2UTITRG\.js$/, what: /\.setAttribute\("style","white-space: pre;"\)/g, by: '.style.setProperty("white-space","pre")', times: 1 },
  // The page has one already.
  { in: /prod\/index\.js$/, what: /role:"contentinfo"/g, by: 'role:"group"', times: 1 },
];

/** Excalidraw from the box alone: its fonts beside the page's own files, nothing of what is not used. */
export function excalidraw(): Plugin {
  return {
    name: 'meetbox-excalidraw',
    enforce: 'pre',
    apply: 'build',
    resolveId(source, importer) {
      if (source === 'use-sync-external-store/shim/with-selector.js') return path.resolve(import.meta.dirname, 'src/meeting/view/board/selector.ts');
      if (!importer?.includes(from) || !source.startsWith('./locales/') || languages.test(source)) return null;
      return path.join(dist, 'locales/en-B4ZKOASM.js');
    },
    transform(code, id) {
      if (!id.includes(from)) return null;
      let out = code;
      for (const change of changes) {
        if (!change.in.test(id)) continue;
        const found = out.match(change.what)?.length ?? 0;
        if (found !== change.times) this.error(`${change.what} is there ${found} times in ${id}, not ${change.times}: is this another version of Excalidraw?`);
        out = out.replace(change.what, change.by);
      }
      return { code: out, map: null };
    },
    async generateBundle() {
      const fonts = path.join(dist, 'fonts');
      for (const family of await readdir(fonts)) {
        if (family === 'Xiaolai') continue;
        for (const file of await readdir(path.join(fonts, family))) {
          this.emitFile({ type: 'asset', fileName: `assets/excalidraw-${version}/fonts/${family}/${file}`, source: await readFile(path.join(fonts, family, file)) });
        }
      }
    },
  };
}
