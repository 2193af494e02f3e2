import type { ReadonlySignal } from '@preact/signals-core';
import { useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';
import './person.css';

const hues = [165, 250, 30, 300, 85, 205, 345, 125];

/** A colour that a person keeps in every list and on everybody's device: it comes from the name. */
export function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hues[sum % hues.length] ?? 165;
}

/** Up to two letters: of the first and the last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...(word ?? '')][0]?.toLocaleUpperCase() ?? '').join('');
}

export function Avatar({ name, size }: { readonly name: string; readonly size?: string }) {
  return (
    <span class="avatar" aria-hidden="true" style={{ '--person-h': String(hueOf(name)), ...(size ? { '--avatar': size } : {}) }}>
      {initials(name) || <Icon name="person" size={0} />}
    </span>
  );
}

/** Writes a level into one element's --level, without rendering anything. */
function useLevel(level: ReadonlySignal<number>): RefObject<HTMLSpanElement | null> {
  const element = useRef<HTMLSpanElement>(null);
  useSignalEffect(() => {
    element.current?.style.setProperty('--level', level.value.toFixed(2));
  });
  return element;
}

/** The microphone's level as a bar. Not announced: it changes ten times a second. */
export function Meter({ level }: { readonly level: ReadonlySignal<number> }) {
  return (
    <span class="meter" aria-hidden="true" ref={useLevel(level)}>
      <span />
    </span>
  );
}

/** Three small bars that move with a voice. */
export function Voice({ level }: { readonly level: ReadonlySignal<number> }) {
  return (
    <span class="voice" aria-hidden="true" ref={useLevel(level)}>
      <span />
      <span />
      <span />
    </span>
  );
}
