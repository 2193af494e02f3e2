// What the page and the background's worker say to each other.

export type ToWorker =
  | {
      readonly kind: 'load';
      readonly loader: string;
      readonly wasm: string;
      readonly model: string;
      readonly blur: boolean;
      /** What is behind the person unless it is blurred. */
      readonly picture: ImageBitmap | null;
    }
  | { readonly kind: 'streams'; readonly readable: ReadableStream; readonly writable: WritableStream }
  | { readonly kind: 'canvas'; readonly canvas: OffscreenCanvas }
  | { readonly kind: 'picture'; readonly bitmap: ImageBitmap };

export type FromWorker = { readonly kind: 'ready' | 'frame' } | { readonly kind: 'failed'; readonly why: string };
