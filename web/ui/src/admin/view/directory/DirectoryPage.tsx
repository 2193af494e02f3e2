import { Card } from '../../../kit/Card.tsx';
import { SwitchField, TextField } from '../../../kit/Field.tsx';
import { TextArea } from '../../../kit/Fields.tsx';
import type { Directory, LDAP, OIDC } from '../../api.ts';
import { t } from '../../words.ts';
import { ListField } from '../ListField.tsx';
import { SectionForm } from '../Section.tsx';
import { Page, useBox, useEditor } from '../use.tsx';
import { GroupRoles } from './GroupRoles.tsx';
import { Secrets } from './Secrets.tsx';
import { TryIt } from './TryIt.tsx';

type Errors = (field: string) => string | undefined;

/** Where people are known who have no account of the box. */
export function DirectoryPage() {
  const box = useBox();
  const section = useEditor<Directory>('/api/v1/settings/directory');
  const draft = section.draft.value;
  const put = {
    ldap: (change: Partial<LDAP>) => section.change({ ldap: { ...section.draft.peek()?.ldap, ...change } }),
    oidc: (change: Partial<OIDC>) => section.change({ oidc: { ...section.draft.peek()?.oidc, ...change } }),
  };
  return (
    <Page title={t('nav.page.directory')} lead={t('directory.lead')}>
      <Card title={t('directory.title')}>
        <SectionForm of={section} changer="owner">
          {(now, error) => (
            <>
              <LdapFields of={now.ldap ?? {}} error={(f) => error(`ldap.${f}`)} errors={section.fields.value} put={put.ldap} />
              <OidcFields of={now.oidc ?? {}} error={(f) => error(`oidc.${f}`)} errors={section.fields.value} put={put.oidc} />
            </>
          )}
        </SectionForm>
      </Card>
      {box.may('owner') ? <Secrets /> : null}
      {box.may('owner') && draft ? <TryIt draft={draft} /> : null}
    </Page>
  );
}

interface FieldsProps<T> {
  readonly of: T;
  readonly error: Errors;
  readonly errors: Readonly<Record<string, string>>;
  readonly put: (change: Partial<T>) => void;
}

function LdapFields({ of, error, errors, put }: FieldsProps<LDAP>) {
  return (
    <fieldset class="port">
      <legend>{t('directory.ldap')}</legend>
      <div class="form-row">
        <TextField label={t('directory.url')} value={of.url ?? ''} mono placeholder="ldaps://dc.example.org" hint={t('directory.url-hint')} error={error('url')} onInput={(url) => put({ url: url.trim() })} />
        <TextField label={t('directory.bind')} value={of.bind_dn ?? ''} mono placeholder="cn=meetbox,dc=example,dc=org" error={error('bind_dn')} onInput={(bind_dn) => put({ bind_dn })} />
      </div>
      <TextArea label={t('directory.root')} value={of.root ?? ''} placeholder="-----BEGIN CERTIFICATE-----" error={error('root')} onInput={(root) => put({ root })} />
      <div class="form-row">
        <TextField label={t('directory.base')} value={of.base ?? ''} mono placeholder="ou=people,dc=example,dc=org" error={error('base')} onInput={(base) => put({ base })} />
        <TextField label={t('directory.filter')} value={of.filter ?? ''} mono placeholder="(|(uid={name})(sAMAccountName={name})…)" error={error('filter')} onInput={(filter) => put({ filter })} />
      </div>
      <div class="form-row">
        <TextField label={t('directory.group-base')} value={of.group_base ?? ''} mono placeholder="ou=groups,dc=example,dc=org" hint={t('directory.group-base-hint')} error={error('group_base')} onInput={(group_base) => put({ group_base })} />
        <TextField label={t('directory.group-filter')} value={of.group_filter ?? ''} mono placeholder="(|(member={dn})(memberUid={name})…)" error={error('group_filter')} onInput={(group_filter) => put({ group_filter })} />
      </div>
      <GroupRoles value={of.roles ?? []} field="ldap.roles" errors={errors} onChange={(roles) => put({ roles })} />
      <SwitchField label={t('directory.hosts')} hint={t('directory.hosts-hint')} on={of.hosts?.allowed === true} onChange={(allowed) => put({ hosts: { ...of.hosts, allowed } })} />
      {of.hosts?.allowed ? (
        <ListField
          label={t('directory.host-groups')}
          hint={t('directory.host-groups-hint')}
          value={of.hosts.groups}
          lines
          field="ldap.hosts.groups"
          errors={errors}
          onChange={(groups) => put({ hosts: { ...of.hosts, groups } })}
        />
      ) : null}
    </fieldset>
  );
}

function OidcFields({ of, error, errors, put }: FieldsProps<OIDC>) {
  return (
    <fieldset class="port">
      <legend>OpenID Connect</legend>
      <div class="form-row">
        <TextField label={t('directory.issuer')} value={of.issuer ?? ''} mono placeholder="https://login.example.org/realms/office" hint={t('directory.issuer-hint')} error={error('issuer')} onInput={(issuer) => put({ issuer: issuer.trim() })} />
        <TextField label={t('directory.client')} value={of.client_id ?? ''} mono placeholder="meetbox" error={error('client_id')} onInput={(client_id) => put({ client_id: client_id.trim() })} />
      </div>
      <TextArea label={t('directory.root')} value={of.root ?? ''} placeholder="-----BEGIN CERTIFICATE-----" error={error('root')} onInput={(root) => put({ root })} />
      <div class="form-row">
        <TextField label={t('directory.label')} value={of.label ?? ''} error={error('label')} onInput={(label) => put({ label })} />
        <TextField label={t('directory.groups')} value={of.groups_claim ?? ''} mono placeholder="groups" error={error('groups_claim')} onInput={(groups_claim) => put({ groups_claim: groups_claim.trim() })} />
        <ListField label={t('directory.scopes')} value={of.scopes} field="oidc.scopes" errors={errors} onChange={(scopes) => put({ scopes })} />
      </div>
      <GroupRoles value={of.roles ?? []} field="oidc.roles" errors={errors} onChange={(roles) => put({ roles })} />
    </fieldset>
  );
}
