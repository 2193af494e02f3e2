// Which way of trusting a certificate a device has. From what its browser says of itself; a wrong guess
// costs one choice in a list.

export const systems = ['ios', 'android', 'mac', 'windows', 'linux', 'chromeos', 'firefox', 'firefox-android'] as const;

export type System = (typeof systems)[number];

/** touchPoints: how many fingers the screen takes, which is how an iPad differs from a Mac. */
export function systemOf(userAgent: string, touchPoints: number): System {
  const has = (part: RegExp) => part.test(userAgent);
  if (has(/iPhone|iPad|iPod/) || (has(/Macintosh/) && touchPoints > 1)) return 'ios'; // every browser there is Apple's
  if (has(/Android/)) return has(/Firefox\//) ? 'firefox-android' : 'android';
  if (has(/Firefox\//)) return 'firefox';
  if (has(/CrOS/)) return 'chromeos';
  if (has(/Windows/)) return 'windows';
  if (has(/Macintosh/)) return 'mac';
  return 'linux';
}

/** The file for a system: Apple's devices take a profile, the others the certificate itself. */
export function fileFor(system: System): string {
  return system === 'ios' ? '/ca.mobileconfig' : '/ca.crt';
}

/** How many steps the texts of a system have (`step.SYSTEM.1` …). */
export const steps: Readonly<Record<System, number>> = { ios: 4, android: 3, mac: 3, windows: 4, linux: 3, chromeos: 3, firefox: 3, 'firefox-android': 4 };
