import { useEffect, useState } from 'preact/hooks';
import './qr.css';

/** A text for another device's camera. */
export function QrCode({ text, label, caption }: { readonly text: string; readonly label: string; readonly caption: string }) {
  const [dark, setDark] = useState<readonly (readonly boolean[])[] | null>(null);
  useEffect(() => {
    let over = false;
    const draw = async () => {
      const { encode } = await import('uqr');
      if (!over) setDark(encode(text, { ecc: 'M', border: 2 }).data);
    };
    void draw();
    return () => {
      over = true;
    };
  }, [text]);
  if (!dark) return <div class="qr" />;
  const path = dark.flatMap((row, y) => row.flatMap((on, x) => (on ? `M${x} ${y}h1v1h-1z` : []))).join('');
  return (
    <figure class="qr">
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- drawn here: an image with a data: address is not allowed */}
      <svg viewBox={`0 0 ${dark.length} ${dark.length}`} role="img" aria-label={label} shape-rendering="crispEdges">
        <path d={path} fill="black" />
      </svg>
      <figcaption>{caption}</figcaption>
    </figure>
  );
}
