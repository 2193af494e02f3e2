import type { ComponentChildren } from 'preact';
import { date } from '../../i18n/format.ts';
import { Button } from '../../kit/Button.tsx';
import { Notice } from '../../kit/Card.tsx';
import { Dialog } from '../../kit/Dialog.tsx';
import { announce } from '../../kit/Live.tsx';
import { Table } from '../../kit/Table.tsx';
import type { Role } from '../api.ts';
import type { Editor } from '../model/editor.ts';
import { t } from '../words.ts';
import { useBox } from './use.tsx';

interface SectionFormProps<T extends object> {
  readonly of: Editor<T>;
  readonly save?: string;
  readonly disabled?: boolean;
  /** Who may change it, if not every admin. */
  readonly changer?: Role;
  readonly saved?: () => void;
  readonly children: (draft: T, error: (field: string) => string | undefined) => ComponentChildren;
}

/** The form of a section of the settings, with what goes wrong while it is saved. */
export function SectionForm<T extends object>({ of, save, disabled, changer = 'admin', saved, children }: SectionFormProps<T>) {
  const box = useBox();
  const draft = of.draft.value;
  if (!draft) return of.problem.value === null ? <p class="loading">{t('loading')}</p> : <Notice mood="bad">{of.problem.value}</Notice>;
  const store = async () => {
    if (!(await of.save())) return;
    announce(t('saved'));
    saved?.();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void store();
      }}
    >
      {of.problem.value === null ? null : (
        <Notice mood="bad" live>
          <p>{of.problem.value}</p>
        </Notice>
      )}
      <fieldset class="plain" disabled={!box.may(changer)}>
        {children(draft, (field) => of.fields.value[field])}
      </fieldset>
      {box.may(changer) ? (
        <div class="buttons">
          <Button kind="primary" type="submit" disabled={!of.dirty.value || of.saving.value || disabled === true}>
            {save ?? t('save')}
          </Button>
          {of.dirty.value ? <Button onClick={() => of.reset()}>{t('discard')}</Button> : null}
        </div>
      ) : (
        <p class="field-hint">{t('read-only')}</p>
      )}
      <ConflictDialog of={of} />
    </form>
  );
}

/** Somebody else saved first: both versions side by side, and the choice. */
function ConflictDialog<T extends object>({ of }: { readonly of: Editor<T> }) {
  const conflict = of.conflict.value;
  if (!conflict) return null;
  const { by, fields } = conflict;
  return (
    <Dialog title={t('conflict.title')} closeLabel={t('close')} onClose={() => of.decideLater()}>
      <p>{by ? t('conflict.by', { who: by.who, at: date(by.at) }) : t('conflict.text')}</p>
      <Table
        label={t('conflict.title')}
        rows={fields}
        rowKey={(f) => f.path}
        empty={t('conflict.same')}
        columns={[
          { key: 'field', title: t('conflict.field'), head: true, cell: (f) => <span class="mono">{f.path}</span> },
          { key: 'theirs', title: t('conflict.theirs'), cell: (f) => shown(f.before) },
          { key: 'mine', title: t('conflict.mine'), cell: (f) => shown(f.after) },
        ]}
      />
      <div class="dialog-actions">
        <Button onClick={() => of.takeTheirs()}>{t('conflict.take')}</Button>
        <Button kind="primary" onClick={() => void of.keepMine()}>
          {t('conflict.keep')}
        </Button>
      </div>
    </Dialog>
  );
}

/** A value of a document, for people. */
export function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
