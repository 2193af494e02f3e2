import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { directionOf } from './language.ts';

test('which way a language is written', () => {
  expect(['en', 'pt-BR', 'ar', 'ar-EG', 'he', 'FA', 'pl'].map(directionOf)).toEqual(['ltr', 'ltr', 'rtl', 'rtl', 'rtl', 'rtl', 'ltr']);
});

const folder = new URL('../', import.meta.url);
const sheets = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.css'));
const fourSided = new Set(['padding', 'margin', 'inset', 'border-width', 'border-style', 'border-color', 'scroll-padding', 'scroll-margin', 'border-radius']);

/** The values of a shorthand, which functions keep together. */
function parts(value: string): readonly string[] {
  const found = [''];
  let depth = 0;
  for (const c of value) {
    if (c === '(') depth += 1;
    if (c === ')') depth -= 1;
    if (c === ' ' && depth === 0) found.push('');
    else found.push(`${found.pop() ?? ''}${c}`);
  }
  return found.filter((part) => part !== '');
}

/** Whether a declaration means a side of the screen, and stays there when the page is turned. */
function oneSided(property: string, value: string): boolean {
  if (/(?:^|-)(?:left|right)(?:-|$)/.test(property)) return true;
  if (/^(?:text-align|float|clear|caption-side)$/.test(property) && /left|right/.test(value)) return true;
  if (/^(?:translate|transform)$/.test(property)) {
    const across = property === 'translate' ? (parts(value)[0] ?? '') : (/translate(?:X|3d)?\(([^,)]+)/.exec(value)?.[1] ?? '0');
    return !/^(?:0|none|inherit)$/.test(across) && !value.includes('var(--forward)');
  }
  const [top = '', right = '', bottom = '', left = ''] = parts(value);
  if (!fourSided.has(property) || left === '') return false;
  return property === 'border-radius' ? top !== right || bottom !== left : right !== left;
}

test.each([
  ['margin-left', '1rem'],
  ['text-align', 'right'],
  ['padding', '0 1px 0 calc(1px + 2px)'],
  ['border-radius', '1px 0 0 1px'],
  ['translate', '-50% 0'],
  ['transform', 'translateX(1rem)'],
])('%s: %s is found', (property, value) => {
  expect(oneSided(property, value)).toBe(true);
});

test.each(sheets)('%s is for both directions', (file) => {
  const css = readFileSync(new URL(file, folder), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
  const found = [...css.matchAll(/(?<=[{;]\s*)([a-z-]+):\s*([^;{}]+)[;}]/g)].filter(([, property = '', value = '']) => oneSided(property, value.replaceAll(/\s+/g, ' ').trim()));
  expect(found.map(([declaration]) => declaration)).toEqual([]);
});
