import { compileMessage } from '@lingui/message-utils/compileMessage';
import type { Plugin } from 'vite';

/** Compiles the message catalogs at build time, so that no ICU parser is shipped to browsers. */
export function catalogs(): Plugin {
  return {
    name: 'meetbox-catalogs',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/src\/i18n\/(?:catalogs|check|console|frame|media|together|trust)\/[\w-]+\.json$/.test(id)) return null;
      const texts = JSON.parse(code) as Record<string, string>;
      const compiled = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, compileMessage(text)]));
      return { code: JSON.stringify(compiled), map: null };
    },
  };
}
