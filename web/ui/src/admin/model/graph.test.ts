import { expect, test } from 'vitest';
import type { HistoryPoint } from '../api.ts';
import { draw, highest, nearest, roundUp, rows } from './graph.ts';

const begin = Date.parse('2026-12-01T09:00:00Z');
const point = (minute: number, people: number): HistoryPoint => ({
  at: new Date(begin + minute * 60_000).toISOString(),
  people,
  meetings: 1,
  received: people * 100,
  sent: 0,
  cpu: 0.5,
  memory: 0,
  temperature: 40,
  loss: 0,
  worst_loss: people / 100,
});

test.each([
  [0, 1],
  [0.3, 0.5],
  [1, 1],
  [7, 10],
  [23, 50],
  [1.2e6, 2e6],
])('%d is drawn below %d', (value, top) => {
  expect(roundUp(value)).toBeCloseTo(top);
});

test('a line breaks where nobody looked', () => {
  const points = [point(0, 0), point(1, 5), point(2, 10), point(30, 10), point(31, 0)];
  const paths = draw(points, 'people', 60, begin, begin + 60 * 60_000, 10, 600, 100);
  expect(paths).toEqual(['M0.0 100.0L10.0 50.0L20.0 0.0', 'M300.0 0.0L310.0 100.0']);
  expect(highest(points, ['people', 'meetings'])).toBe(10);
});

test('a table has the most, or the mean, of each stretch', () => {
  const history = { step: 60, points: [point(0, 2), point(1, 4), point(60, 1)] };
  const [newest, first] = rows(history, 3600);
  expect(newest).toMatchObject({ people: 1 });
  expect(first).toMatchObject({ people: 4, received: 300, worst_loss: 0.04 });
  expect(nearest(history, begin + 65_000)?.people).toBe(4);
  expect(nearest(history, begin + 30 * 60_000)).toBeNull();
});
