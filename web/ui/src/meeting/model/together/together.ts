// What people do together beside seeing and hearing each other. Loaded when the meeting has begun.

import { createBoard, type Board } from './board.ts';
import { createBreakouts, type Breakouts } from './breakouts.ts';
import { createFiles, type Files } from './files.ts';
import { createMetadata } from './metadata.ts';
import { createModeration, type Moderation } from './moderation.ts';
import { createPolls, type Polls } from './polls.ts';
import { createReactions, type Reactions } from './reactions.ts';
import { createSpeakers, type Speakers } from './speakers.ts';
import { createUploads } from './uploads.ts';
import type { Wire } from '../wire.ts';

export interface Together {
  readonly board: Board;
  readonly polls: Polls;
  readonly files: Files;
  readonly breakouts: Breakouts;
  readonly moderation: Moderation;
  readonly reactions: Reactions;
  readonly speakers: Speakers;
}

export function createTogether(wire: Wire): Together {
  const metadata = createMetadata(wire);
  return {
    board: createBoard(wire, metadata),
    polls: createPolls(wire),
    files: createFiles(wire, createUploads(wire)),
    breakouts: createBreakouts(wire),
    moderation: createModeration(wire, metadata),
    reactions: createReactions(wire),
    speakers: createSpeakers(wire),
  };
}
