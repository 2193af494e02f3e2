// How much picture to ask for and to send. Pure.

/** From everything the line carries down to voices and shared screens only. */
export type PictureQuality = 'high' | 'balanced' | 'low' | 'audio';

export const qualities: readonly PictureQuality[] = ['high', 'balanced', 'low', 'audio'];

/** The most lines of a picture to ask for, in a tile and on the stage. Screens are for reading and keep theirs. */
export const caps: Readonly<Record<PictureQuality, { readonly tile: number; readonly stage: number }>> = {
  high: { tile: 2160, stage: 2160 },
  balanced: { tile: 360, stage: 720 },
  low: { tile: 180, stage: 360 },
  audio: { tile: 0, stage: 0 },
};

/** The most lines of our camera to send; -1 is no limit. */
export function sendLimit(quality: PictureQuality, wanted: number): number {
  const most = { high: -1, balanced: 720, low: 180, audio: 0 }[quality];
  if (most < 0) return wanted;
  return wanted < 0 ? most : Math.min(wanted, most);
}
