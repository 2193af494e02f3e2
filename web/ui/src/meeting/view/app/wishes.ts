// What the page that shows this meeting in a frame, or the link to it, asked for.

import { parseFragment } from '../../../embed/protocol.ts';

/** The meeting is a part of somebody else's page. */
export const framed = window.parent !== window;

export const wishes = parseFragment(location.hash);
