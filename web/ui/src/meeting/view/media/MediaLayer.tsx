import { useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tm } from '../../../i18n/media.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Icon, type IconName } from '../../../kit/icons.tsx';
import { announce } from '../../../kit/Live.tsx';
import type { Hint } from '../../model/hints.ts';
import { qualities } from '../../model/pictureQuality.ts';
import type { Meeting, Participant } from '../../model/types.ts';
import { displayName } from '../app/words.ts';
import { MediaIcon } from './icons.tsx';
import { recordingOf } from './recordings.ts';
import { useHint } from './useHint.ts';
import './media.css';

/** What picture and sound have to say while the meeting is on. */
export function MediaLayer({ meeting }: { readonly meeting: Meeting }) {
  return (
    <>
      <RecordingNow meeting={meeting} />
      <Hints meeting={meeting} />
      <News meeting={meeting} />
      <Failed meeting={meeting} />
      <WeakLine meeting={meeting} />
      <Thinned meeting={meeting} />
    </>
  );
}

interface LineProps {
  readonly icon: IconName;
  readonly text: string;
  readonly action?: { readonly text: string; readonly act: () => void } | undefined;
  readonly dismiss: () => void;
}

/** One sentence, what to do about it, and away with it. */
function Line({ icon, text, action, dismiss }: LineProps) {
  return (
    <output class="banner banner-action media-line">
      <Icon name={icon} size={20} />
      <span>{text}</span>
      {action ? <Button onClick={action.act}>{action.text}</Button> : null}
      <IconButton label={t('notice.dismiss')} look="plain" small onClick={dismiss}>
        <Icon name="close" size={16} />
      </IconButton>
    </output>
  );
}

function Hints({ meeting }: { readonly meeting: Meeting }) {
  const { media } = meeting;
  const hint = useHint(media);
  const dismissed = useSignal<Hint | null>(null);
  useSignalEffect(() => {
    // A hint that was put away may come again another time; a noise that one knows of may not.
    if (hint.value === null && dismissed.peek() !== 'noisy') dismissed.value = null;
  });
  const now = hint.value;
  if (now === null || now === dismissed.value || (now === 'noisy' && media.onlyVoice.value)) return null;
  const dismiss = () => (dismissed.value = now);
  const action =
    now === 'talking-muted'
      ? { text: tm('hint.unmute'), act: () => void meeting.setMicrophone(true) }
      : now === 'noisy'
        ? { text: tm('hint.clean'), act: () => void media.setProcessing('onlyVoice', true) }
        : undefined;
  return <Line icon={now === 'talking-muted' ? 'mic-off' : 'mic'} text={tm(`hint.${now}`)} action={action} dismiss={dismiss} />;
}

function News({ meeting }: { readonly meeting: Meeting }) {
  const { media } = meeting;
  const news = media.news.value;
  const dismiss = () => (media.news.value = null);
  if (!news) return null;
  const { kind, what, device } = news;
  const icon = kind === 'camera' ? 'camera' : kind === 'speaker' ? 'speaker' : 'mic';
  if (what === 'replaced') {
    return kind === 'speaker' ? null : <Line icon={icon} text={tm(`device.replaced.${kind}`, { device: device.label })} dismiss={dismiss} />;
  }
  const use = () => {
    dismiss();
    void meeting.chooseDevice(kind, device.id);
    // A headset is to be heard with, too.
    const ear = kind === 'microphone' && device.group ? media.speakers.peek().find((s) => s.group === device.group) : undefined;
    if (ear) void meeting.chooseDevice('speaker', ear.id);
  };
  return <Line icon={icon} text={tm('device.arrived', { device: device.label })} action={{ text: tm('device.use'), act: use }} dismiss={dismiss} />;
}

function Failed({ meeting }: { readonly meeting: Meeting }) {
  const { effectFailed } = meeting.media;
  const what = effectFailed.value;
  return what ? <Line icon="alert" text={tm(`effect.failed.${what}`)} dismiss={() => (effectFailed.value = null)} /> : null;
}

function WeakLine({ meeting }: { readonly meeting: Meeting }) {
  const dismissed = useSignal(false);
  const weak = meeting.quality.verdict.value.kind === 'own-weak';
  const lower = qualities[qualities.indexOf(meeting.pictureQuality.value) + 1];
  if (!weak || dismissed.value || lower === undefined) return null;
  const action = { text: lower === 'audio' ? tm('quality.audio') : tm('quality.lower'), act: () => meeting.setPictureQuality(lower) };
  return <Line icon="signal" text={tm('quality.weak')} action={action} dismiss={() => (dismissed.value = true)} />;
}

/** That the box sends smaller pictures, for as long as it does or until it is put away. */
function Thinned({ meeting }: { readonly meeting: Meeting }) {
  const dismissed = useSignal(false);
  const on = meeting.thinned.value;
  useEffect(() => {
    if (on) announce(tm('quality.thinned'));
    else dismissed.value = false;
  }, [on, dismissed]);
  if (!on || dismissed.value) return null;
  return <Line icon="signal" text={tm('quality.thinned')} dismiss={() => (dismissed.value = true)} />;
}

const noticeTime = 6000;

/** Who records, for as long as they do, and for a moment that they stopped. */
function RecordingNow({ meeting }: { readonly meeting: Meeting }) {
  const recording = recordingOf(meeting);
  const before = useRef<ReadonlyMap<string, Participant>>(new Map());
  const said = useSignal('');
  useEffect(() => () => void recording.stop(), [recording]);
  useSignalEffect(() => {
    const now = new Map(meeting.participants.value.filter((p) => p.recording.value).map((p) => [p.id, p]));
    for (const [id, p] of now) if (!before.current.has(id)) announce(byText(p));
    for (const [id, p] of before.current) if (!now.has(id) && !p.local) said.value = tm('record.ended-by', { name: displayName(p) });
    before.current = now;
  });
  useSignalEffect(() => {
    const ended = recording.ended.value;
    if (ended) said.value = tm(`record.${ended}`);
  });
  useEffect(() => {
    if (said.value === '') return undefined;
    announce(said.value);
    const timer = setTimeout(() => (said.value = ''), noticeTime);
    return () => clearTimeout(timer);
  }, [said.value]);
  return (
    <>
      {meeting.participants.value.map((p) => (p.recording.value ? <Recorder key={p.id}>{recorderOf(p, recording.state.value === 'saving', () => void recording.stop())}</Recorder> : null))}
      {said.value === '' ? null : <p class="notice media-said">{said.value}</p>}
    </>
  );
}

function byText(p: Participant): string {
  return p.local ? tm('record.own') : tm('record.by', { name: displayName(p) });
}

function recorderOf(p: Participant, saving: boolean, stop: () => void): ComponentChildren {
  if (p.local && saving) return <span>{tm('record.saving')}</span>;
  return (
    <>
      <span>{byText(p)}</span>
      {p.local ? <Button onClick={stop}>{tm('record.stop')}</Button> : null}
    </>
  );
}

function Recorder({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="banner banner-recording">
      <MediaIcon name="record" />
      {children}
    </div>
  );
}
