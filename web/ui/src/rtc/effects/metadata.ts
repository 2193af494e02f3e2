// MediaPipe's segmenter asks a model how its input is to be normalized; the model for meetings is
// older than that question. This adds the answer: TFLite metadata (schema M001) in front of the model.
//
// Offsets in a FlatBuffer lead forward only, so a new root before the old bytes can refer to
// everything in them.

/** Writes little-endian values at the end; places that are not known yet are filled in later. */
class Writer {
  readonly bytes = new Uint8Array(1 << 16);
  readonly view = new DataView(this.bytes.buffer);
  at = 0;

  align(to: number, after = 0): void {
    while ((this.at + after) % to !== 0) this.at++;
  }
  u16(v: number): void {
    this.view.setUint16(this.at, v, true);
    this.at += 2;
  }
  u32(v: number): number {
    const at = this.at;
    this.view.setUint32(at, v, true);
    this.at += 4;
    return at;
  }
  /** Makes the offset at `place` lead to `target`, which is where the next value goes unless given. */
  link(place: number, target = this.at): void {
    this.view.setUint32(place, target - place, true);
  }
  /** A table of 32-bit fields (`null`: absent); returns where each field is. */
  table(fields: readonly (number | null)[]): number[] {
    this.align(4, 4 + 2 * fields.length);
    const vtable = this.at;
    this.u16(4 + 2 * fields.length);
    this.u16(4 + 4 * fields.filter((f) => f !== null).length);
    let next = 4;
    for (const f of fields) {
      this.u16(f === null ? 0 : next);
      if (f !== null) next += 4;
    }
    this.u32(this.at - vtable);
    return fields.map((f) => (f === null ? 0 : this.u32(f)));
  }
  vector(values: readonly number[], put: (v: number) => void): void {
    this.align(4);
    this.u32(values.length);
    for (const v of values) put(v);
  }
  text(text: string): void {
    this.align(4);
    this.u32(text.length);
    for (const c of text) this.bytes[this.at++] = c.charCodeAt(0);
    this.at++; // ends with a zero
  }
  f32 = (v: number): void => {
    this.view.setFloat32(this.at, v, true);
    this.at += 4;
  };
}

/** ModelMetadata: one input image in RGB, of which `mean` is taken and which `std` divides. */
function metadata(mean: number, std: number): Uint8Array {
  const w = new Writer();
  const root = w.u32(0);
  for (const c of 'M001') w.bytes[w.at++] = c.charCodeAt(0);
  const model = nested(w, root, [null, null, null, 0]);
  w.align(4);
  w.link(model[3] ?? 0);
  const [subgraph = 0] = list(w);
  const fields = nested(w, subgraph, [null, null, 0, 0]);
  // Tensors: the input with its kind and normalization, the output without anything.
  w.align(4);
  w.link(fields[2] ?? 0);
  const [input = 0] = list(w);
  const tensor = nested(w, input, [null, null, null, 0, 0]);
  const content = nested(w, tensor[3] ?? 0, [2, 0]); // ImageProperties
  nested(w, content[1] ?? 0, [1]); // RGB
  w.align(4);
  w.link(tensor[4] ?? 0);
  const [unit = 0] = list(w);
  const options = nested(w, unit, [1, 0]); // NormalizationOptions
  const normalization = nested(w, options[1] ?? 0, [0, 0]);
  for (const [i, value] of [mean, std].entries()) {
    w.align(4);
    w.link(normalization[i] ?? 0);
    w.vector([value], w.f32);
  }
  w.align(4);
  w.link(fields[3] ?? 0);
  const [output = 0] = list(w);
  nested(w, output, []);
  return w.bytes.slice(0, w.at);
}

/** A vector of one offset, which is returned. */
function list(w: Writer): number[] {
  w.align(4);
  w.u32(1);
  return [w.u32(0)];
}

/** A table to which the offset at `place` leads. */
function nested(w: Writer, place: number, fields: readonly (number | null)[]): number[] {
  const places = w.table(fields);
  w.link(place, w.at - 4 - 4 * fields.filter((f) => f !== null).length);
  return places;
}

/** The same model with its normalization written down: (value - mean) / std, for values from 0 to 255. */
export function withNormalization(model: Uint8Array, mean: number, std: number): Uint8Array {
  const old = new DataView(model.buffer, model.byteOffset, model.byteLength);
  const follow = (at: number) => at + old.getUint32(at, true);
  const root = follow(0);
  const vtable = root - old.getInt32(root, true);
  const field = (i: number) => {
    const offset = 4 + 2 * i < old.getUint16(vtable, true) ? old.getUint16(vtable + 4 + 2 * i, true) : 0;
    if (offset === 0) throw new Error(`not a TFLite model: field ${i} is missing`);
    return root + offset;
  };
  const buffers = follow(field(4));
  const count = old.getUint32(buffers, true);

  const w = new Writer();
  const start = w.u32(0);
  for (const c of 'TFL3') w.bytes[w.at++] = c.charCodeAt(0);
  const fields = nested(w, start, [old.getUint32(field(0), true), 0, 0, 0, 0, null, 0]);
  const into: [number, number][] = [1, 2, 3].map((i) => [fields[i] ?? 0, follow(field(i))]);
  w.link(fields[4] ?? 0);
  w.u32(count + 1);
  for (let i = 0; i < count; i++) into.push([w.u32(0), follow(buffers + 4 + 4 * i)]);
  const added = w.u32(0);
  w.link(fields[6] ?? 0);
  const [entry = 0] = list(w);
  const [name = 0] = nested(w, entry, [0, count]);
  w.align(4);
  w.link(name);
  w.text('TFLITE_METADATA');
  const [data = 0] = nested(w, added, [0]);
  const blob = metadata(mean, std);
  w.align(16, 4);
  w.link(data);
  w.u32(blob.length);
  w.bytes.set(blob, w.at);
  w.at += blob.length;
  w.align(16);
  for (const [place, target] of into) w.link(place, w.at + target);

  const out = new Uint8Array(w.at + model.length);
  out.set(w.bytes.subarray(0, w.at));
  out.set(model, w.at);
  return out;
}
