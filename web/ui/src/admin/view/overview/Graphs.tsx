import { useState } from 'preact/hooks';
import { bytes, date } from '../../../i18n/format.ts';
import { locale } from '../../../i18n/words.ts';
import { Card } from '../../../kit/Card.tsx';
import { Table } from '../../../kit/Table.tsx';
import type { History, HistoryPoint } from '../../api.ts';
import { draw, highest, nearest, roundUp, rows, type Series } from '../../model/graph.ts';
import { t } from '../../words.ts';
import { Loaded, useResource } from '../use.tsx';
import './graphs.css';

type Span = 'day' | 'month';

const seconds = { day: 24 * 3600, month: 30 * 24 * 3600 } as const;
const [width, height] = [600, 120] as const;

interface Graph {
  readonly name: 'people' | 'traffic' | 'cpu' | 'temperature' | 'loss';
  readonly series: readonly Series[];
  /** The upper edge is at least this. */
  readonly least: number;
  readonly write: (value: number) => string;
}

const number = (value: number, digits = 0) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
const percent = (value: number) => new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(value);

const graphs: readonly Graph[] = [
  { name: 'people', series: ['people', 'meetings'], least: 5, write: (v) => number(v) },
  { name: 'traffic', series: ['received', 'sent'], least: 100_000, write: (v) => `${bytes(v)}/s` },
  { name: 'cpu', series: ['cpu'], least: 1, write: (v) => number(v, 2) },
  { name: 'temperature', series: ['temperature'], least: 100, write: (v) => (v === 0 ? '–' : `${number(v)} °C`) },
  { name: 'loss', series: ['loss', 'worst_loss'], least: 0.05, write: percent },
];

/** How the box was: a line for each number, a cursor through all of them, and the same as a table. */
export function Graphs() {
  const [span, setSpan] = useState<Span>('day');
  const history = useResource<History>(`/api/v1/history/${span}`, 60_000);
  return (
    <Card
      title={t('history.title')}
      aside={
        <fieldset class="segments">
          <legend class="sr-only">{t('history.span')}</legend>
          {(['day', 'month'] as const).map((s) => (
            <label key={s} class="segment">
              <input type="radio" name="span" checked={span === s} onChange={() => setSpan(s)} />
              <span>{t(`history.${s}`)}</span>
            </label>
          ))}
        </fieldset>
      }
    >
      <Loaded of={history}>{(h) => <Drawing key={span} history={h} span={span} />}</Loaded>
    </Card>
  );
}

function Drawing({ history, span }: { readonly history: History; readonly span: Span }) {
  const [cursor, setCursor] = useState(1);
  const until = Date.now();
  const from = until - seconds[span] * 1000;
  if (history.points.length === 0) return <p class="soft">{t('history.none')}</p>;
  const shown = graphs.filter((g) => g.name !== 'temperature' || highest(history.points, g.series) > 0);
  const at = from + cursor * (until - from);
  const here = nearest(history, at);
  const said = here ? shown.map((g) => `${t(`history.${g.name}`)} ${values(g, here)}`).join('; ') : t('history.gap');
  return (
    <>
      <label class="graph-cursor">
        <span>{date(here?.at ?? at)}</span>
        <input type="range" dir="ltr" min={0} max={1} step={1 / 288} value={cursor} aria-label={t('history.cursor')} aria-valuetext={`${date(here?.at ?? at)}: ${said}`} onInput={(event) => setCursor(Number(event.currentTarget.value))} />
      </label>
      <div class="graphs">
        {shown.map((g) => (
          <Plot key={g.name} graph={g} history={history} from={from} until={until} cursor={cursor} here={here} />
        ))}
      </div>
      <details class="graph-table">
        <summary>{t('history.table')}</summary>
        <Numbers history={history} span={span} shown={shown} />
      </details>
    </>
  );
}

const values = (g: Graph, p: HistoryPoint) => g.series.map((s) => g.write(p[s])).join(' / ');

interface PlotProps {
  readonly graph: Graph;
  readonly history: History;
  readonly from: number;
  readonly until: number;
  readonly cursor: number;
  readonly here: HistoryPoint | null;
}

function Plot({ graph, history, from, until, cursor, here }: PlotProps) {
  const top = roundUp(Math.max(graph.least, highest(history.points, graph.series)));
  const name = t(`history.${graph.name}`);
  return (
    <figure class="graph">
      <figcaption>
        <span class="graph-name">{name}</span>
        <span class="graph-legend">
          {graph.series.map((s, i) => (
            <span key={s} class={`graph-key graph-key-${i}`}>
              {t(`history.series.${s}`)} <b>{here ? graph.write(here[s]) : '–'}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div class="graph-box">
        <span class="graph-top" aria-hidden="true">
          {graph.write(top)}
        </span>
        {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- drawn here, as the QR code is */}
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={t('history.most', { name, value: graph.write(highest(history.points, graph.series)) })}>
          <path class="graph-grid" d={`M0 0H${width}M0 ${height / 2}H${width}M0 ${height}H${width}`} />
          {graph.series.map((s, i) =>
            draw(history.points, s, history.step, from, until, top, width, height).map((d) => <path key={d} class={`graph-line graph-line-${i}`} d={d} />),
          )}
          <path class="graph-at" d={`M${(cursor * width).toFixed(1)} 0V${height}`} />
        </svg>
      </div>
    </figure>
  );
}

function Numbers({ history, span, shown }: { readonly history: History; readonly span: Span; readonly shown: readonly Graph[] }) {
  return (
    <Table
      label={t('history.title')}
      rows={rows(history, span === 'day' ? 3600 : 24 * 3600)}
      rowKey={(p) => p.at}
      empty={t('history.none')}
      columns={[
        { key: 'at', title: t('time'), head: true, cell: (p) => date(p.at, span === 'day' ? 'minute' : 'day') },
        ...shown.map((g) => ({ key: g.name, title: t(`history.${g.name}`), cell: (p: HistoryPoint) => values(g, p) })),
      ]}
    />
  );
}
