import { t } from '../../words.ts';
import { Page, useBox } from '../use.tsx';
import { Accounts } from '../people/Accounts.tsx';
import { MyAccount } from '../people/MyAccount.tsx';
import { Sessions } from '../people/Sessions.tsx';
import { Tokens } from '../people/Tokens.tsx';

export function PeoplePage() {
  const box = useBox();
  return (
    <Page title={t('nav.page.people')} lead={t('people.lead')}>
      <MyAccount />
      {box.may('admin') ? <Accounts /> : null}
      <Sessions />
      {box.may('operator') ? <Tokens /> : null}
    </Page>
  );
}
