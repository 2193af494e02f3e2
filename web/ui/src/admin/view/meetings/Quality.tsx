import { date } from '../../../i18n/format.ts';
import type { QualityPoint } from '../../api.ts';
import { percent } from '../../model/seats.ts';
import { t } from '../../words.ts';

interface QualityProps {
  readonly points: readonly QualityPoint[];
  readonly name: string;
}

/** The loss at which a bar is full. */
const most = 0.2;

/** So many steps fill the width; fewer stay narrow. */
const least = 48;

/** How much was lost over a stay: a bar for each step, the higher the worse. */
export function Quality({ points, name }: QualityProps) {
  if (points.length === 0) return <span class="soft">–</span>;
  const worst = points.reduce((a, b) => (Math.max(b.loss_in, b.loss_out) > Math.max(a.loss_in, a.loss_out) ? b : a));
  const loss = Math.max(worst.loss_in, worst.loss_out);
  const rtt = Math.max(...points.map((p) => p.rtt));
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- drawn here, as the QR code is
    <svg class="quality" viewBox={`0 0 ${Math.max(least, points.length)} 20`} preserveAspectRatio="none" role="img" aria-label={t('quality.most', { name, loss: percent(loss), rtt: Math.round(rtt), at: date(worst.at) })}>
      {points.map((p, i) => {
        const part = Math.min(1, Math.max(p.loss_in, p.loss_out) / most);
        const high = 2 + part * 18;
        return <rect key={p.at} class={part > 0.5 ? 'quality-bad' : part > 0.1 ? 'quality-warn' : 'quality-good'} x={i + 0.1} y={20 - high} width={0.8} height={high} />;
      })}
    </svg>
  );
}
