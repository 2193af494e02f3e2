/** A browser and its system in two words, from what it calls itself. */
export function browserOf(agent: string): string {
  const browser = [
    ['Edge', /Edg(?:A|iOS)?\//],
    ['Firefox', /Firefox\/|FxiOS/],
    ['Chrome', /Chrome\/|CriOS/],
    ['Safari', /Safari\//],
    ['curl', /^curl\//],
  ].find(([, sign]) => (sign as RegExp).test(agent))?.[0];
  const system = [
    ['iPhone', /iPhone/],
    ['iPad', /iPad/],
    ['Android', /Android/],
    ['Windows', /Windows/],
    ['Mac', /Macintosh/],
    ['ChromeOS', /CrOS/],
    ['Linux', /Linux/],
  ].find(([, sign]) => (sign as RegExp).test(agent))?.[0];
  const words = [browser, system].filter((w) => w !== undefined);
  return words.length > 0 ? words.join(' · ') : agent.slice(0, 40);
}
