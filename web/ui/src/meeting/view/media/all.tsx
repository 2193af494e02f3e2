// Everything about one's own picture and sound that is not needed before the camera shows: one file
// to load.

export { BackgroundDialog } from './BackgroundDialog.tsx';
export { MediaLayer } from './MediaLayer.tsx';
export { MediaSettings } from './MediaSettings.tsx';
export { PreJoinMedia } from './PreJoinMedia.tsx';
export { QualityDialog } from './QualityDialog.tsx';
export { RecordDialog } from './RecordDialog.tsx';
export { ShareKind } from './ShareKind.tsx';
