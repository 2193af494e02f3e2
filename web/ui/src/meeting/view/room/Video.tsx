import { useEffect, useRef } from 'preact/hooks';

interface VideoProps {
  readonly stream: MediaStream;
  readonly mirrored?: boolean;
  readonly whole?: boolean; // show all of the picture, with margins, as screens need it
  readonly label?: string;
}

/** A picture without sound; sounds have elements of their own (see Sounds). */
export function Video({ stream, mirrored, whole, label }: VideoProps) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return undefined;
    video.srcObject = stream;
    // Refused while the page is hidden; autoplay starts it when it is seen again.
    video.play().catch(() => undefined);
    return () => {
      video.srcObject = null;
    };
  }, [stream]);
  const name = ['video', mirrored ? 'video-mirrored' : '', whole ? 'video-whole' : ''];
  return <video class={name.filter(Boolean).join(' ')} ref={element} autoplay playsInline muted aria-label={label} />;
}
