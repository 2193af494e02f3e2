// The views of this folder for those who load before it.

import { lazy } from '../../../kit/lazy.tsx';

const load = () => import('./Board.tsx');

export const Board = lazy(async () => (await load()).Board);
export const BoardTile = lazy(async () => (await load()).BoardTile);
