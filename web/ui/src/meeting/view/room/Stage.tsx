import { type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { IconButton } from '../../../kit/Button.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Meeting, Shown } from '../../model/types.ts';
import { sameTile, stableOrder, type Tile as Picture } from '../../model/layout.ts';
import { selfView, speakerView, strip } from '../app/settings.ts';
import { boardTile, gridSize, type Places, placesOf, type Size } from './layout.ts';
import { Board, BoardTile } from '../board/lazy.ts';
import { Tile } from './Tile.tsx';
import './stage.css';

/** Everybody's pictures. Tells the model which of them are seen, and how large. */
export function Stage({ meeting, pinned }: { readonly meeting: Meeting; readonly pinned: Signal<Picture | null> }) {
  const element = useRef<HTMLUListElement>(null);
  const size = useSignal<Size>({ width: 0, height: 0 });
  const page = useSignal(0);

  useEffect(() => {
    const stage = element.current;
    if (!stage) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) size.value = { width: Math.floor(entry.contentRect.width), height: Math.floor(entry.contentRect.height) };
    });
    observer.observe(stage);
    return () => observer.disconnect();
  }, [size]);

  // The others who spoke, the last one first. Who speaks stays big while we answer.
  const speakers = useSignal<readonly string[]>([]);
  useSignalEffect(() => {
    const now = meeting.dominantSpeaker.value;
    if (now !== null && now !== meeting.me.id) speakers.value = [now, ...speakers.peek().filter((id) => id !== now)].slice(0, 25);
  });
  // Whoever speaks comes to the first page, and nobody else moves.
  const order = useSignal<readonly string[]>([]);
  useSignalEffect(() => {
    const ids = meeting.participants.value.map((p) => p.id);
    order.value = stableOrder(order.peek(), ids, speakers.value, gridSize(size.value), [meeting.me.id]);
  });

  // As if everybody pinned it when it comes, as in Jitsi Meet.
  const board = useComputed(() => meeting.together.value?.board.shown.value === true);
  useSignalEffect(() => {
    if (board.value) pinned.value = { participant: boardTile, picture: 'screen' };
    else if (pinned.peek()?.participant === boardTile) pinned.value = null;
  });

  const layout = useComputed(() =>
    placesOf({
      me: meeting.me.id,
      people: order.value,
      sharing: [...(board.value ? [boardTile] : []), ...meeting.participants.value.filter((p) => p.sharing.value).map((p) => p.id)],
      size: size.value,
      page: page.value,
      pinned: pinned.value,
      speakerView: speakerView.value,
      speaker: speakers.value[0] ?? null,
      bare: !strip.value,
      hideMe: !selfView.value,
    }),
  );
  useShown(meeting, layout);

  const people = new Map(meeting.participants.value.map((p) => [p.id, p]));
  const { tiles, pages } = layout.value;
  const together = meeting.together.value;
  return (
    <section class="stage" aria-label={t('stage.label')}>
      <h2 class="sr-only">{t('stage.label')}</h2>
      <ul class="tiles" ref={element}>
        {tiles.map((place) => {
          if (place.participant === boardTile) {
            return place.role === 'stage' ? null : <BoardTile key={boardTile} place={place} pin={() => (pinned.value = { participant: boardTile, picture: 'screen' })} />;
          }
          const person = people.get(place.participant);
          if (!person) return null;
          const isPinned = sameTile(place, pinned.value);
          const pin = () => (pinned.value = isPinned ? null : { participant: place.participant, picture: place.picture });
          return <Tile key={`${place.participant} ${place.picture}`} place={place} person={person} speaking={meeting.dominantSpeaker} pinned={isPinned} frozen={meeting.frozen.value} pin={pin} />;
        })}
      </ul>
      {together ? <Board board={together.board} me={meeting.me} box={tiles.find((p) => p.participant === boardTile && p.role === 'stage')?.box ?? null} /> : null}
      {pages > 1 ? (
        <div class="pages">
          <IconButton label={t('stage.previous')} small disabled={layout.value.page === 0} onClick={() => (page.value = layout.value.page - 1)}>
            <Icon name="previous" size={18} />
          </IconButton>
          <span>{t('stage.page', { page: layout.value.page + 1, pages })}</span>
          <IconButton label={t('stage.next')} small disabled={layout.value.page === pages - 1} onClick={() => (page.value = layout.value.page + 1)}>
            <Icon name="next" size={18} />
          </IconButton>
        </div>
      ) : null}
    </section>
  );
}

// Heights are rounded up to a step, so that dragging a window's edge is a few messages, not hundreds.
const step = 90;

function useShown(meeting: Meeting, layout: { readonly value: Places }): void {
  const last = useRef('');
  useSignalEffect(() => {
    const scale = globalThis.devicePixelRatio;
    const shown = layout.value.tiles
      .filter((tile) => tile.participant !== meeting.me.id && tile.participant !== boardTile)
      .map((tile): Shown => {
        const height = Math.ceil((tile.box.height * scale) / step) * step;
        return { participant: tile.participant, picture: tile.picture, height, ...(tile.role === 'stage' ? { stage: true } : {}) };
      });
    const text = JSON.stringify(shown);
    if (text === last.current) return;
    last.current = text;
    meeting.show(shown);
  });
}
