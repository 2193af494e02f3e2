// Networks that let no UDP through: media goes over TCP, to the bridge itself or through its TURN.

import { inject, onTestFinished, test } from 'vitest';
import { cast } from './cast.ts';
import { allSee, Guest, launch, until } from './guest.ts';

const box = inject('box');
const { guests, open } = cast(box.url);

/** How the guest's media goes to the bridge: "udp", "tcp", or "relay" over TURN. */
function way(guest: Guest): Promise<string> {
  return guest.page.evaluate(async () => {
    const { testPeers } = globalThis as unknown as { testPeers: RTCPeerConnection[] };
    const entries = new Map((await testPeers.at(-1)?.getStats())?.entries() as Iterable<[string, { type: string } & Record<string, string>]>);
    const transport = [...entries.values()].find((e) => e.type === 'transport');
    const pair = entries.get(transport?.['selectedCandidatePairId'] ?? '');
    const local = entries.get(pair?.['localCandidateId'] ?? '');
    return local?.['candidateType'] === 'relay' ? 'relay' : (local?.['protocol'] ?? 'none');
  });
}

test('a browser that may not use UDP meets one that may', async () => {
  const ben = await open('Ben');
  await ben.join(`${box.url}/walled-in`);
  const walled = await launch(['--webrtc-ip-handling-policy=disable_non_proxied_udp']);
  onTestFinished(() => walled.close());
  const ada = await Guest.open(walled, box.url, 'Ada');
  guests.push(ada);
  await ada.join(`${box.url}/walled-in`);
  await allSee(guests, 90_000);
  // Whatever answered first is left for the better way once that has answered; but a browser that has
  // chosen TURN on a busy machine may give up the direct way before that is nominated.
  await until('Ben’s media goes over UDP', 30_000, async () => (await way(ben)) === 'udp');
  await until('Ada’s media goes over TCP', 30_000, async () => ['tcp', 'relay'].includes(await way(ada)));
});
