import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noWishes, parse, parseFragment, print, printFragment, type Message } from './protocol.ts';

test('messages come back as they were; others are none of ours', () => {
  const messages: Message[] = [
    { kind: 'hello' },
    { kind: 'welcome' },
    { kind: 'command', name: 'toggleAudio', args: [] },
    { kind: 'event', name: 'participantJoined', data: { id: 'b' } },
    { kind: 'state', state: { audioMuted: true } },
  ];
  for (const m of messages) expect(parse(structuredClone(print(m)))).toEqual(m);
  for (const other of [null, 3, 'hello', [], { kind: 'hello' }, { 'meetbox-embed-1': { kind: 'command' } }, { 'meetbox-embed-1': { kind: 'own' } }]) expect(parse(other)).toBeUndefined();
  fc.assert(fc.property(fc.jsonValue(), (value) => void parse(value)));
});

test('wishes go through an address', () => {
  const fragment = printFragment({ config: { startWithAudioMuted: true, prejoinConfig: { enabled: false }, unknown: [1] }, userInfo: { displayName: 'Ada & "Ben" #1', email: undefined } });
  expect(parseFragment(`#${fragment}`)).toEqual({ ...noWishes, audioMuted: true, straightIn: true, displayName: 'Ada & "Ben" #1' });
  expect(parseFragment('')).toEqual(noWishes);
  expect(parseFragment('#config.startWithAudioMuted="true"&userInfo.displayName=4')).toEqual(noWishes);
  fc.assert(fc.property(fc.string(), (text) => void parseFragment(text)));
});
