// The views of this folder for those who load before it.

import { lazy } from '../../../kit/lazy.tsx';

const load = () => import('./all.tsx');

export const BackgroundDialog = lazy(async () => (await load()).BackgroundDialog);
export const MediaLayer = lazy(async () => (await load()).MediaLayer);
export const MediaSettings = lazy(async () => (await load()).MediaSettings);
export const PreJoinMedia = lazy(async () => (await load()).PreJoinMedia);
export const QualityDialog = lazy(async () => (await load()).QualityDialog);
export const RecordDialog = lazy(async () => (await load()).RecordDialog);
export const ShareKind = lazy(async () => (await load()).ShareKind);
