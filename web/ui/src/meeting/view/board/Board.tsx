import { useRef } from 'preact/hooks';
import { tt } from '../../../i18n/together.ts';
import { Icon } from '../../../kit/icons.tsx';
import { lazy } from '../../../kit/lazy.tsx';
import type { Board as Model } from '../../model/together/board.ts';
import type { Participant } from '../../model/types.ts';
import { type Box, type Place, placed } from '../room/layout.ts';
import './board.css';

const Canvas = lazy(async () => (await import('./Canvas.tsx')).Canvas);

interface BoardProps {
  readonly board: Model;
  readonly me: Participant;
  /** Where it is big; null while it is not. */
  readonly box: Box | null;
}

/** The whiteboard on the stage. Once it was looked at it stays, so that it can be sent to who comes later. */
export function Board({ board, me, box }: BoardProps) {
  const place = board.place.value;
  const wanted = useRef(false);
  wanted.current = place !== null && (wanted.current || box !== null);
  if (!place || !wanted.current) return null;
  const style = box && placed(box);
  return (
    <section class="board" aria-label={tt('board.title')} hidden={!box} style={style ?? {}}>
      <h2 class="sr-only">{tt('board.title')}</h2>
      <p class="board-wait">{tt('loading')}</p>
      <Canvas key={`${place.id} ${place.key}`} server={board.server} place={place} me={me} />
    </section>
  );
}

/** Its place in the strip, while something else is big. */
export function BoardTile({ place, pin }: { readonly place: Place; readonly pin: () => void }) {
  const { box } = place;
  return (
    <li class="tile tile-strip tile-board" style={placed(box)}>
      <Icon name="board" size={28} />
      <button type="button" class="tile-pin" aria-pressed={false} aria-label={tt('board.show')} title={tt('board.show')} onClick={pin} />
      <span class="tile-tag">
        <span class="tile-name">{tt('board.title')}</span>
      </span>
    </li>
  );
}
