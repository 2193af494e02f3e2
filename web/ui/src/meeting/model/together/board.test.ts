import { expect, test } from 'vitest';
import { fakeWire, room } from '../../../../test/wire.ts';
import { textOf } from '../../../xmpp/xml.ts';
import { createBoard } from './board.ts';
import { createMetadata } from './metadata.ts';

function stage(boards = 'https://box.example') {
  const s = fakeWire();
  const wire = { ...s.wire, boards };
  const board = createBoard(wire, createMetadata(wire));
  const tell = (details: unknown) => s.push('room_metadata', { type: 'room_metadata', metadata: { whiteboard: details } });
  return { ...s, board, tell };
}

const details = (roomId: string, roomKey = 'k') => ({ collabDetails: { roomId, roomKey }, collabServerUrl: 'https://elsewhere.example' });

test('a moderator opens it in the room’s settings, with a key of its own', async () => {
  const { board, me, sent } = stage();
  expect(board.available.value).toBe(false);
  me.moderator.value = true;
  expect(board.available.value).toBe(true);
  await board.open();
  expect(board.shown.value).toBe(false); // not before the room says so
  const order = JSON.parse(textOf(sent.at(-1)?.payload)) as { key: string; data: { collabDetails: { roomId: string; roomKey: string } } };
  expect(sent.at(-1)?.payload.attrs['room']).toBe(room);
  expect(order.key).toBe('whiteboard');
  expect(order.data.collabDetails.roomId).not.toBe('');
  expect(order.data.collabDetails.roomKey).toMatch(/^[\w-]{22}$/);
});

test('everybody sees it when it is there, and may hide it', async () => {
  const { board, tell, sent } = stage();
  tell(details('b1'));
  expect(board.place.value).toEqual({ id: 'b1', key: 'k' });
  expect([board.available.value, board.shown.value]).toEqual([true, true]);
  board.hide();
  const place = board.place.value;
  tell(details('b1')); // the map comes again with every change of something else
  expect(board.place.value).toBe(place);
  expect(board.shown.value).toBe(false);
  await board.open();
  expect(board.shown.value).toBe(true);
  expect(sent).toEqual([]);
  tell(details('b2'));
  expect(board.place.value).toEqual({ id: 'b2', key: 'k' });
});

test.each([[null], ['text'], [{}], [{ collabDetails: null }], [{ collabDetails: { roomId: 'b1' } }], [{ collabDetails: { roomId: 7, roomKey: 'k' } }]])('%j is no board', (what) => {
  const { board, tell } = stage();
  tell(what);
  expect(board.place.value).toBe(null);
  expect(board.shown.value).toBe(false);
});

test('a box that relays none has none', () => {
  const { board, me, tell } = stage('');
  me.moderator.value = true;
  tell(details('b1'));
  expect([board.available.value, board.place.value]).toEqual([false, null]);
});

test('it goes with its room, and stays over a connection that is made anew', () => {
  const { board, bus, tell } = stage();
  tell(details('b1'));
  const place = board.place.value;
  bus.fresh();
  expect(board.place.value).toBe(place);
  tell(details('b1'));
  bus.entered();
  expect(board.place.value).toBe(place);
  bus.fresh(); // a breakout room, which has no settings
  bus.entered();
  expect([board.place.value, board.shown.value]).toEqual([null, false]);
});
