import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withNormalization } from './metadata.ts';

const model = new Uint8Array(readFileSync(new URL('../../../node_modules/@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite', import.meta.url)));

/** Reads FlatBuffers far enough for a look at a model. */
function reader(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const follow = (at: number) => at + view.getUint32(at, true);
  const field = (table: number, i: number) => {
    const vtable = table - view.getInt32(table, true);
    const offset = 4 + 2 * i < view.getUint16(vtable, true) ? view.getUint16(vtable + 4 + 2 * i, true) : 0;
    return offset === 0 ? 0 : table + offset;
  };
  const items = (at: number) => Array.from({ length: view.getUint32(follow(at), true) }, (_, i) => follow(at) + 4 + 4 * i);
  const text = (at: number) => new TextDecoder().decode(bytes.subarray(follow(at) + 4, follow(at) + 4 + view.getUint32(follow(at), true)));
  return { view, follow, field, items, text };
}

/** Shape of the first tensor of a model, and how many operators and buffers it has. */
function shape(bytes: Uint8Array) {
  const { view, follow, field, items } = reader(bytes);
  const root = follow(0);
  const [graph = 0] = items(field(root, 2)).map(follow);
  const [tensor = 0] = items(field(graph, 0)).map(follow);
  return {
    operators: items(field(graph, 3)).length,
    buffers: items(field(root, 4)).length,
    input: items(field(tensor, 0)).map((at) => view.getInt32(at, true)),
  };
}

test('the model stays the same, with its normalization written down', () => {
  const out = withNormalization(model, 0.25, 2);
  const before = shape(model);
  expect(before.input).toEqual([1, 144, 256, 3]);
  expect(shape(out)).toEqual({ ...before, buffers: before.buffers + 1 });
  expect((out.length - model.length) % 16, 'weights stay where they may be read').toBe(0);

  const { view, follow, field, items, text } = reader(out);
  const root = follow(0);
  const [entry = 0] = items(field(root, 6)).map(follow);
  expect(text(field(entry, 0))).toBe('TFLITE_METADATA');
  const buffer = follow(items(field(root, 4))[view.getUint32(field(entry, 1), true)] ?? 0);
  const data = follow(field(buffer, 0));
  const blob = out.slice(data + 4, data + 4 + view.getUint32(data, true));
  const meta = reader(blob);
  const [graph = 0] = meta.items(meta.field(meta.follow(0), 3)).map(meta.follow);
  const [input = 0] = meta.items(meta.field(graph, 2)).map(meta.follow);
  const [unit = 0] = meta.items(meta.field(input, 4)).map(meta.follow);
  expect(meta.view.getUint8(meta.field(unit, 0)), 'NormalizationOptions').toBe(1);
  const options = meta.follow(meta.field(unit, 1));
  expect([0, 1].map((i) => meta.items(meta.field(options, i)).map((at) => meta.view.getFloat32(at, true)))).toEqual([[0.25], [2]]);
});

test('what is no model is refused', () => {
  expect(() => withNormalization(new Uint8Array(64), 0, 1)).toThrow('not a TFLite model');
});
