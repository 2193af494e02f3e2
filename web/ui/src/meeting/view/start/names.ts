// Names for rooms that can be said over a phone: syllables of one consonant and one vowel. Six of
// them are 36 bits, which nobody guesses through a server that answers a few times a second.

const consonants = 'bdfghklmnprstvz';
const vowels = 'aeiou';

/** A fresh name such as "balofa-mirenu". `random` returns a number in [0, below). */
export function pronounceable(random: (below: number) => number): string {
  const pick = (letters: string) => letters.charAt(random(letters.length));
  const word = () => Array.from({ length: 3 }, () => pick(consonants) + pick(vowels)).join('');
  return `${word()}-${word()}`;
}

/** Random numbers that cannot be foreseen. */
export function secureRandom(below: number): number {
  const limit = Math.floor(0x1_0000_0000 / below) * below;
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value < limit ? value % below : secureRandom(below); // no value is more likely than another
}
