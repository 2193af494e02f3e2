import { afterEach, expect, test, vi } from 'vitest';
import { running } from './running.ts';

afterEach(() => void vi.unstubAllGlobals());

test('goes on after an interruption, and leaves the page alone while it runs', () => {
  const page = new EventTarget();
  vi.stubGlobal('document', page);
  const context = Object.assign(new EventTarget(), { state: 'suspended', resume: vi.fn<() => Promise<void>>(() => Promise.resolve()) });
  const becomes = (state: string) => {
    context.state = state;
    context.dispatchEvent(new Event('statechange'));
    context.resume.mockClear();
  };
  running(context as unknown as AudioContext);
  expect(context.resume, 'at once').toHaveBeenCalledOnce();
  context.resume.mockClear();
  page.dispatchEvent(new Event('pointerdown'));
  expect(context.resume, 'at a touch').toHaveBeenCalledOnce();
  becomes('running');
  page.dispatchEvent(new Event('keydown'));
  expect(context.resume, 'it runs').not.toHaveBeenCalled();
  becomes('interrupted');
  page.dispatchEvent(new Event('keydown'));
  expect(context.resume, 'after a phone call').toHaveBeenCalledOnce();
  becomes('closed');
  page.dispatchEvent(new Event('keydown'));
  expect(context.resume, 'it is over').not.toHaveBeenCalled();
});
