import { Excalidraw, MainMenu } from '@excalidraw/excalidraw';
import '@excalidraw/excalidraw/index.css';
import type { ExcalidrawImperativeAPI } from '@excalidraw/excalidraw/types';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { locale } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import type { BoardPlace } from '../../model/board/relay.ts';
import type { Participant } from '../../model/types.ts';
import { displayName } from '../app/words.ts';
import { collaborate, type Collaboration } from './collaboration.ts';
import { nameParts } from './parts.ts';
import './board.css';

interface CanvasProps {
  readonly server: string;
  readonly place: BoardPlace;
  readonly me: Participant;
}

// Excalidraw's names of our languages.
const languages: Readonly<Record<string, string>> = { de: 'de-DE', es: 'es-ES', fr: 'fr-FR', it: 'it-IT', nl: 'nl-NL', pl: 'pl-PL', 'pt-BR': 'pt-BR' };

const options = {
  canvasActions: { toggleTheme: false },
  // Nobody would send the others the picture.
  tools: { image: false },
} as const;

/** What is drawn, and with what. Loaded when somebody looks at a board. */
export function Canvas({ server, place, me }: CanvasProps) {
  const [api, setApi] = useState<ExcalidrawImperativeAPI | null>(null);
  const [joint, setJoint] = useState<Collaboration | null>(null);
  const current = useRef(joint);
  current.current = joint;
  const dark = useDark();
  useEscape();
  useEffect(() => {
    if (!api) return undefined;
    const now = collaborate(api, server, place, () => displayName(me));
    setJoint(now);
    return () => {
      setJoint(null);
      now.close();
    };
  }, [api, server, place, me]);
  const { changed, pointed } = useMemo(
    () => ({ changed: () => current.current?.changed(), pointed: (at: Parameters<Collaboration['pointed']>[0]) => current.current?.pointed(at) }),
    [],
  );
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => (frame.current ? nameParts(frame.current) : undefined), []);
  return (
    <div class="board-frame" ref={frame}>
      <Excalidraw
        excalidrawAPI={setApi}
        onChange={changed}
        onPointerUpdate={pointed}
        isCollaborating
        langCode={languages[locale()] ?? 'en'}
        theme={dark ? 'dark' : 'light'}
        name={tt('board.title')}
        UIOptions={options}
        aiEnabled={false}
        validateEmbeddable={false}
      >
        <MainMenu>
          <MainMenu.DefaultItems.SaveAsImage />
          <MainMenu.DefaultItems.Export />
          <MainMenu.DefaultItems.LoadScene />
          <MainMenu.DefaultItems.SearchMenu />
          <MainMenu.DefaultItems.Help />
          <MainMenu.DefaultItems.ClearCanvas />
          <MainMenu.Separator />
          <MainMenu.DefaultItems.ChangeCanvasBackground />
        </MainMenu>
      </Excalidraw>
      {joint && !joint.there.value ? <output class="board-away">{tt('board.away')}</output> : null}
    </div>
  );
}

const query = '(prefers-color-scheme: dark)';

function useDark(): boolean {
  const [dark, setDark] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const look = () => setDark(list.matches);
    list.addEventListener('change', look);
    return () => list.removeEventListener('change', look);
  }, []);
  return dark;
}

/** A dialog of Excalidraw's listens only while the focus is in it, and loses that while it makes a file. */
function useEscape(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && event.target === document.body) document.querySelector<HTMLElement>('.excalidraw .Modal__background')?.click();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}
