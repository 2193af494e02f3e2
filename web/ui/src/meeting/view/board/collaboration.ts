// One board among several pages: what changes here goes to the others, what comes from there is put
// together with what is here. Of two versions of a thing the higher wins, which Excalidraw knows; the
// messages are those of its pages.

import { CaptureUpdateAction, isInvisiblySmallElement, reconcileElements, restoreElements } from '@excalidraw/excalidraw';
import type { Collaborator, ExcalidrawImperativeAPI, ExcalidrawProps, SocketId } from '@excalidraw/excalidraw/types';
import { effect } from '@preact/signals';
import { connect, type BoardMessage, type BoardPlace, type Relay } from '../../model/board/relay.ts';

type Elements = ReturnType<ExcalidrawImperativeAPI['getSceneElementsIncludingDeleted']>;
type Element = Elements[number];
type Pointer = Parameters<NonNullable<ExcalidrawProps['onPointerUpdate']>>[0];

export interface Collaboration {
  readonly there: Relay['there'];
  /** Something may have changed on the board. */
  changed(): void;
  pointed(at: Pointer): void;
  close(): void;
}

/** Between two messages about what grows, and about the pointer; in milliseconds. */
const pace = 50;
/** Between two looks whether all is to be seen. */
const calm = 300;
/** Between two messages with all that is there, while somebody draws: they mend what got lost. */
const whole = 20_000;

const versionOf = (e: Element) => `${e.version} ${e.versionNonce}`;

/** server: the relay's; name: ours, as it is now. */
export function collaborate(api: ExcalidrawImperativeAPI, server: string, place: BoardPlace, name: () => string): Collaboration {
  // What the others have, by our knowledge.
  const known = new Map<string, string>();
  const others = new Map<string, Collaborator>();
  const timers = new Map<() => void, ReturnType<typeof setTimeout>>();
  let pointer: Pointer | null = null;

  /** Calls it after a time, once, however often that is asked for. */
  function soon(what: () => void, time: number): void {
    if (timers.has(what)) return;
    timers.set(
      what,
      setTimeout(() => {
        timers.delete(what);
        what();
      }, time),
    );
  }

  function sendScene(type: 'SCENE_INIT' | 'SCENE_UPDATE', only: (e: Element) => boolean): void {
    const elements = api.getSceneElementsIncludingDeleted().filter((e) => only(e) && (e.isDeleted || !isInvisiblySmallElement(e)));
    if (elements.length === 0 && type === 'SCENE_UPDATE') return;
    for (const e of elements) known.set(e.id, versionOf(e));
    relay.send({ type, payload: { elements } });
  }
  const all = () => true;
  const isNews = (e: Element) => known.get(e.id) !== versionOf(e);
  const sendAll = () => sendScene('SCENE_UPDATE', all);
  function sendNews(): void {
    if (!relay.there.peek() || !api.getSceneElementsIncludingDeleted().some(isNews)) return;
    sendScene('SCENE_UPDATE', isNews);
    soon(sendAll, whole);
  }
  function sendPointer(): void {
    if (!pointer) return;
    const { pointer: at, button } = pointer;
    const { selectedElementIds } = api.getAppState();
    relay.send({ type: 'MOUSE_LOCATION', payload: { socketId: relay.id(), pointer: at, button, selectedElementIds, username: name() } }, true);
  }

  // Who has not moved the board, nor drawn, is shown all that there is.
  let own = false;
  let fitting = false;
  const unwatch = [
    api.onPointerDown(() => {
      own = true;
    }),
    api.onScrollChange(() => {
      own ||= !fitting;
      fitting = false;
    }),
  ];
  function fit(): void {
    const elements = api.getSceneElements();
    if (own || elements.length === 0) return;
    fitting = true;
    api.scrollToContent(elements, { fitToContent: true, animate: false });
  }

  function take(remote: unknown): void {
    if (!Array.isArray(remote)) return;
    const local = api.getSceneElementsIncludingDeleted();
    const restored = restoreElements(remote as Elements, null);
    const elements = reconcileElements(local, restored as readonly Element[] as Parameters<typeof reconcileElements>[1], api.getAppState());
    // Only what they have sent is known to be there; where ours won, they are told.
    const mine = new Map(elements.map((e) => [e.id, versionOf(e)]));
    for (const e of restored) if (mine.get(e.id) === versionOf(e)) known.set(e.id, versionOf(e));
    api.updateScene({ elements, captureUpdate: CaptureUpdateAction.NEVER });
    if (!own) soon(fit, calm);
  }

  function told({ type, payload }: BoardMessage): void {
    switch (type) {
      case 'SCENE_INIT':
      case 'SCENE_UPDATE':
        take(payload['elements']);
        return;
      case 'MOUSE_LOCATION': {
        const { socketId, username, button } = payload;
        const { x, y, tool } = (payload['pointer'] ?? {}) as { readonly x?: unknown; readonly y?: unknown; readonly tool?: unknown };
        if (typeof socketId !== 'string' || !others.has(socketId) || typeof x !== 'number' || typeof y !== 'number') return;
        others.set(socketId, {
          pointer: { x, y, tool: tool === 'laser' ? 'laser' : 'pointer' },
          button: button === 'down' ? 'down' : 'up',
          username: typeof username === 'string' ? username.slice(0, 64) : '',
        });
        showOthers();
      }
    }
  }

  function showOthers(): void {
    api.updateScene({ collaborators: new Map(others) as Map<SocketId, Collaborator> });
  }

  const relay = connect(server, place, {
    entered: sendAll,
    newcomer: () => sendScene('SCENE_INIT', all),
    told,
  });
  const stop = effect(() => {
    const here = relay.people.value.filter((id) => id !== relay.id());
    for (const id of others.keys()) if (!here.includes(id)) others.delete(id);
    for (const id of here) if (!others.has(id)) others.set(id, {});
    showOthers();
  });

  return {
    there: relay.there,
    changed: () => soon(sendNews, pace),
    pointed(at) {
      if (at.pointersMap.size > 1) return; // two fingers move the board
      pointer = at;
      soon(sendPointer, pace);
    },
    close() {
      sendNews();
      stop();
      for (const off of unwatch) off();
      for (const timer of timers.values()) clearTimeout(timer);
      relay.close();
    },
  };
}
