import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { type MediaKey, tm } from '../../../i18n/media.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { type Drawn, drawn, keepPicture, ownPicture, paint } from '../../model/backgrounds.ts';
import type { LocalMedia } from '../../model/types.ts';
import { mirror } from '../app/settings.ts';
import { Video } from '../room/Video.tsx';
import './media.css';

const names = Object.keys(drawn) as Drawn[];

/** Chooses what is behind oneself, with the picture as the others will see it. */
export function BackgroundDialog({ media, close }: { readonly media: LocalMedia; readonly close: () => void }) {
  const busy = useSignal(false);
  const bad = useSignal(false);
  const name = useId();
  const input = useRef<HTMLInputElement>(null);
  const chosen = media.background.value;
  const choose = async (what: string) => {
    busy.value = true;
    await media.setBackground(what);
    busy.value = false;
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    bad.value = false;
    try {
      await choose(await keepPicture(file));
    } catch {
      bad.value = true;
    }
  };
  const own = chosen.startsWith('own-') ? chosen : 'own-kept';
  const choices: readonly (readonly [string, MediaKey])[] = [
    ['none', 'background.none'],
    ['blur', 'background.blur'],
    ...names.map((n) => [n, `background.${n}`] as const),
    ...(ownPicture() === '' ? [] : [[own, 'background.own'] as const]),
  ];
  const stream = media.preview.value;
  return (
    <Dialog title={tm('background.title')} closeLabel={t('dialog.close')} onClose={close}>
      <div class="background-preview" aria-busy={busy.value}>
        {stream ? <Video stream={stream} mirrored={mirror.value} label={t('prejoin.preview')} /> : <p>{tm('background.camera-off')}</p>}
        {busy.value ? (
          <output class="background-busy">
            <span class="spinner" aria-hidden="true" />
            {tm('background.loading')}
          </output>
        ) : null}
      </div>
      {media.effectFailed.value === 'camera' ? (
        <p class="field-error" role="alert">
          {tm('effect.failed.camera')}
        </p>
      ) : null}
      <fieldset class="backgrounds">
        <legend class="field-label">{tm('background.choice')}</legend>
        <div class="backgrounds-all">
          {choices.map(([what, label]) => (
            <label key={what} class="background">
              <input type="radio" name={name} class="sr-only" checked={chosen === what} disabled={busy.value} onChange={() => void choose(what)} />
              <Swatch what={what} />
              <span>{tm(label)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <div>
        <input ref={input} type="file" accept="image/*" class="sr-only" tabIndex={-1} aria-label={tm('background.choose')} onChange={(event) => void take(event.currentTarget.files?.[0])} />
        <Button disabled={busy.value} onClick={() => input.current?.click()}>
          {tm('background.choose')}
        </Button>
        {bad.value ? (
          <p class="field-error" role="alert">
            {tm('background.bad')}
          </p>
        ) : null}
      </div>
      <p class="field-hint">{tm('background.local')}</p>
    </Dialog>
  );
}

/** What a background looks like. */
function Swatch({ what }: { readonly what: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const c = canvas.current?.getContext('2d');
    if (c && what in drawn) paint(c, what as Drawn, c.canvas.width, c.canvas.height);
  }, [what]);
  if (what in drawn) return <canvas class="background-swatch" width={128} height={72} ref={canvas} aria-hidden="true" />;
  if (what.startsWith('own-')) return <img class="background-swatch" src={ownPicture()} alt="" />;
  return (
    <span class={what === 'blur' ? 'background-swatch background-blurred' : 'background-swatch'} aria-hidden="true">
      <Icon name={what === 'blur' ? 'person' : 'close'} size={24} />
    </span>
  );
}
