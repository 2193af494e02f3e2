/** The shortest password that the box takes. */
export const shortest = 10;

/** How good a password is by its length, which is what makes guessing slow: 0 (refused) to 3. */
export function strength(password: string): 0 | 1 | 2 | 3 {
  const length = [...password].length;
  // "aaaaaaaaaaaa" is long and no password.
  const different = new Set(password).size;
  if (length < shortest || different < 4) return 0;
  if (length < 12) return 1;
  return length < 16 ? 2 : 3;
}
