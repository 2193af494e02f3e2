// Compiles WebAssembly for those who may not.

/** The module, or what went wrong. */
export type Compiled = WebAssembly.Module | string;

onmessage = ({ data }: MessageEvent<string>) => {
  WebAssembly.compileStreaming(fetch(data)).then(
    (module) => postMessage(module satisfies Compiled),
    (err: unknown) => postMessage(String(err) satisfies Compiled),
  );
};
