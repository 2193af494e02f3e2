import { useEffect, useRef, useState } from 'preact/hooks';
import { locale } from '../../i18n/words.ts';
import { Button } from '../../kit/Button.tsx';
import { TextField } from '../../kit/Field.tsx';
import { Icon } from '../../kit/icons.tsx';
import { usePageLanguage } from '../../kit/language.ts';
import { Logo } from '../../kit/Logo.tsx';
import { useTitle } from '../../kit/title.ts';
import { hintsFor } from '../model/browser.ts';
import type { Check } from '../model/check.ts';
import type { Outcome, Probe } from '../model/probe.ts';
import { t } from '../words.ts';
import '../../kit/tokens.css';
import '../../kit/base.css';
import '../../kit/button.css';
import './check.css';

export function CheckPage({ check }: { readonly check: Check }) {
  usePageLanguage(locale());
  useTitle(t('title'));
  const state = check.state.value;
  return (
    <div class="check">
      <header class="check-head">
        <Logo />
      </header>
      <main class="check-main">
        <h1>{t('title')}</h1>
        <p class="check-lead">{t('lead')}</p>
        <Overall check={check} />
        <div class="check-buttons">
          <Button kind={state === 'done' ? 'secondary' : 'primary'} large disabled={state === 'running'} onClick={() => void check.run(true)}>
            {state === 'done' ? t('again') : t('begin')}
          </Button>
          <Button large disabled={state === 'running'} onClick={() => void check.run(false)}>
            {t('begin.network')}
          </Button>
        </div>
        {check.asking.value === 'speak' ? <Speak level={check.level.value} /> : null}
        <section aria-labelledby="probes" class="check-probes">
          <h2 id="probes">{t('probes')}</h2>
          <ol>
            {check.probes.map((p) => (
              <Row key={p.name} probe={p} />
            ))}
          </ol>
        </section>
        {state === 'done' ? <Send check={check} /> : null}
        <section aria-labelledby="hints" class="check-hints">
          <h2 id="hints">{t('hints')}</h2>
          <ul>
            {hintsFor(navigator.userAgent).map((h) => (
              <li key={h}>{t(`hint.${h}`)}</li>
            ))}
            <li>
              <a href="/">{t('home')}</a>
            </li>
          </ul>
        </section>
      </main>
    </div>
  );
}

function Overall({ check }: { readonly check: Check }) {
  const verdict = check.verdict.value;
  const running = check.state.value === 'running';
  const box = useRef<HTMLOutputElement>(null);
  useEffect(() => {
    if (verdict) box.current?.scrollIntoView({ block: 'nearest' });
  }, [verdict]);
  if (!verdict) {
    return (
      <output class="check-overall" ref={box}>
        {running ? <span class="check-spinner" aria-hidden="true" /> : null}
        <p>{running ? t('running') : t('idle')}</p>
      </output>
    );
  }
  const { result } = verdict;
  return (
    <output class={`check-overall check-is-${verdict.outcome}`} ref={box}>
      <Light outcome={verdict.outcome} />
      <div>
        <p class="check-sentence">{t(`verdict.${verdict.outcome}`)}</p>
        {result ? <p>{t(`said.${result.code}`, result.values)}</p> : null}
      </div>
      <p class="check-code">
        <span class="sr-only">{t('code')} </span>
        {verdict.code}
      </p>
    </output>
  );
}

function Light({ outcome }: { readonly outcome: Outcome }) {
  return (
    <span class={`check-light check-light-${outcome}`} aria-hidden="true">
      {outcome === 'good' ? <Icon name="check" size={18} /> : outcome === 'bad' ? <Icon name="close" size={18} /> : outcome === 'warn' ? '!' : '–'}
    </span>
  );
}

function Row({ probe }: { readonly probe: Probe }) {
  const r = probe.result.value;
  const busy = probe.busy.value;
  return (
    <li class="check-row" aria-busy={busy ? true : undefined}>
      {busy ? <span class="check-spinner" aria-hidden="true" /> : r ? <Light outcome={r.outcome} /> : <span class="check-light" aria-hidden="true" />}
      <div>
        <h3>{t(`probe.${probe.name}`)}</h3>
        {r && !busy ? (
          <p>
            <span class="sr-only">{t(`outcome.${r.outcome}`)}: </span>
            {t(`said.${r.code}`, r.values)}
          </p>
        ) : null}
        {r?.detail && !busy && r.outcome !== 'good' ? <p class="check-detail">{r.detail}</p> : null}
      </div>
      <code>{r && !busy ? r.code : ''}</code>
    </li>
  );
}

function Speak({ level }: { readonly level: number }) {
  return (
    <output class="check-speak">
      <p>{t('speak')}</p>
      <meter min={0} max={1} value={level} aria-label={t('level')} />
    </output>
  );
}

function Send({ check }: { readonly check: Check }) {
  const [name, setName] = useState('');
  const [note, setNote] = useState('');
  const sending = check.sending.value;
  if (sending === 'sent') {
    return (
      <section class="check-send" aria-labelledby="sent">
        <h2 id="sent">{t('sent')}</h2>
        <output>{t('sent.text', { number: check.number.value })}</output>
      </section>
    );
  }
  return (
    <section class="check-send" aria-labelledby="send">
      <h2 id="send">{t('send')}</h2>
      <p>{t('send.text')}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void check.send(name, note);
        }}
      >
        <TextField label={t('send.name')} value={name} autocomplete="name" maxLength={100} onInput={setName} />
        <TextField label={t('send.note')} value={note} maxLength={1000} onInput={setNote} />
        {sending === 'refused' || sending === 'failed' ? (
          <p class="field-error" role="alert">
            {t(`send.${sending}`)}
          </p>
        ) : null}
        <Button kind="primary" type="submit" disabled={sending === 'sending'}>
          {t('send.do')}
        </Button>
      </form>
    </section>
  );
}
