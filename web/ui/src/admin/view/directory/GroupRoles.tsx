import { Button } from '../../../kit/Button.tsx';
import { SelectField, TextField } from '../../../kit/Field.tsx';
import type { GroupRole, Role } from '../../api.ts';
import type { FieldErrors } from '../../model/client.ts';
import { t } from '../../words.ts';
import { roles as all } from '../people/Accounts.tsx';

interface GroupRolesProps {
  readonly value: readonly GroupRole[];
  /** The field's path, for what the box said about it or one of its parts. */
  readonly field: string;
  readonly errors: FieldErrors;
  readonly onChange: (value: GroupRole[]) => void;
}

/** Which groups may do what. */
export function GroupRoles({ value, field, errors, onChange }: GroupRolesProps) {
  const put = (i: number, change: Partial<GroupRole>) => onChange(value.map((r, j) => (i === j ? { ...r, ...change } : r)));
  return (
    <div class="stack">
      <p class="field-label">{t('directory.roles')}</p>
      <p class={errors[field] ? 'field-error' : 'field-hint'}>{errors[field] ?? t('directory.roles-hint')}</p>
      {value.map((r, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- a group's place is its name in the settings
        <div key={i} class="form-row">
          <TextField label={t('directory.group')} value={r.group} mono error={errors[`${field}.${i}.group`]} onInput={(group) => put(i, { group })} />
          <SelectField label={t('account.role')} value={r.role} options={all.map((one) => ({ value: one, label: t(`role.${one}`) }))} onChange={(role) => put(i, { role: role as Role })} />
          <div class="buttons row-end">
            <Button onClick={() => onChange(value.filter((_, j) => j !== i))}>{t('remove')}</Button>
          </div>
        </div>
      ))}
      <div class="buttons">
        <Button onClick={() => onChange([...value, { group: '', role: 'viewer' }])}>{t('directory.add-role')}</Button>
      </div>
    </div>
  );
}
