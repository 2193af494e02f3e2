// What the console's pages have in common: the box they are about, and the ways to read and change it.

import { createContext } from 'preact';
import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useMemo, useRef } from 'preact/hooks';
import { Button } from '../../kit/Button.tsx';
import { Notice } from '../../kit/Card.tsx';
import { useTitle } from '../../kit/title.ts';
import { type Action, action } from '../model/action.ts';
import type { Console } from '../model/console.ts';
import { type Editor, editor } from '../model/editor.ts';
import { type Resource, resource } from '../model/resource.ts';
import { known, t } from '../words.ts';

const BoxContext = createContext<Console | null>(null);

export const BoxProvider = BoxContext.Provider;

export function useBox(): Console {
  const box = useContext(BoxContext);
  if (!box) throw new Error('no box');
  return box;
}

/** Something of the box while this component is there. */
export function useResource<T>(path: string, every = 0): Resource<T> {
  const { client } = useBox();
  const found = useMemo(() => resource<T>(client, path, every), [client, path, every]);
  useEffect(() => found.open(), [found]);
  return found;
}

export function useAction(): Action {
  return useMemo(action, []);
}

/** The draft of a section of the settings. */
export function useEditor<T extends object>(path: string, propose?: string): Editor<T> {
  const { client } = useBox();
  const made = useMemo(() => editor<T>(client, path, propose), [client, path, propose]);
  useEffect(() => {
    void made.load();
    return client.epoch.subscribe((n) => {
      if (n > 0) void made.load();
    });
  }, [made, client]);
  return made;
}

/** What was read, or why it could not be. */
export function Loaded<T>({ of, children }: { readonly of: Resource<T>; readonly children: (data: T) => ComponentChildren }) {
  const data = of.data.value;
  const problem = of.problem.value;
  const code = of.code.value;
  // Not a fault: on a laptop there is no machine to look after.
  if (code === 'only-on-the-box') return <Notice mood="calm"><p>{t('problem.only-on-the-box')}</p></Notice>;
  return (
    <>
      {problem === null ? null : (
        <Notice mood="bad" live action={<Button onClick={() => void of.reload()}>{t('again')}</Button>}>
          <p>{known('problem', code) === code ? problem : known('problem', code)}</p>
        </Notice>
      )}
      {data === null ? problem === null ? <p class="loading">{t('loading')}</p> : null : children(data)}
    </>
  );
}

/** What an action's button has to say. */
export function Problem({ of }: { readonly of: Pick<Action, 'problem' | 'code'> }) {
  const said = of.problem.value;
  return said === null ? null : (
    <Notice mood="bad" live>
      <p>{known('problem', of.code.value) === of.code.value ? said : known('problem', of.code.value)}</p>
    </Notice>
  );
}

interface PageProps {
  readonly title: string;
  readonly lead?: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A page of the console. Its heading gets the focus, so that reading begins there. */
export function Page({ title, lead, aside, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead ? <p class="page-lead">{lead}</p> : null}
        </div>
        {aside}
      </div>
      {children}
    </div>
  );
}
