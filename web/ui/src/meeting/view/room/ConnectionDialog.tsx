import { tf } from '../../../i18n/frame.ts';
import { locale, t } from '../../../i18n/i18n.ts';
import { Dialog } from '../../../kit/Dialog.tsx';
import type { Figures } from '../../model/quality.ts';
import type { Meeting } from '../../model/types.ts';
import { verdictText } from './Connection.tsx';

/** How the connection does in words, what to do, and the figures for who wants them. */
export function ConnectionDialog({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const verdict = meeting.quality.verdict.value;
  const figures = meeting.quality.figures.value;
  return (
    <Dialog title={tf('quality.title')} closeLabel={t('dialog.close')} onClose={close}>
      <p class="verdict">
        <strong>{verdictText(meeting, verdict)}</strong>
        <span>{tf(`quality.help.${verdict.kind}`)}</span>
      </p>
      {meeting.thinned.value ? <p>{tf('quality.thinned')}</p> : null}
      {figures ? <FigureList figures={figures} /> : null}
    </Dialog>
  );
}

function FigureList({ figures: f }: { readonly figures: Figures }) {
  const number = (n: number, digits = 0) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(n);
  const rate = (bits: number) => tf('quality.kbps', { n: number(bits / 1000) });
  const percent = (share: number) => tf('quality.percent', { n: number(share * 100, 1) });
  const path = f.path ? [f.path.protocol.toUpperCase(), [f.path.local, f.path.remote].filter(Boolean).join(' → ')].filter(Boolean).join(' ') : '';
  const rows: readonly (readonly [string, string])[] = [
    [tf('quality.sent'), rate(f.up)],
    [tf('quality.received'), rate(f.down)],
    [tf('quality.lost-sent'), percent(f.lossUp)],
    [tf('quality.lost-received'), percent(f.lossDown)],
    [tf('quality.delay'), tf('quality.ms', { n: number(f.roundTrip * 1000, 1) })],
    [tf('quality.camera'), f.sent || tf('quality.none')],
    [tf('quality.biggest'), f.received || tf('quality.none')],
    [tf('quality.codec'), f.codecs.join(', ') || tf('quality.none')],
    [tf('quality.path'), f.path?.relayed ? tf('quality.relayed', { path }) : path],
  ];
  return (
    <dl class="figures">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
