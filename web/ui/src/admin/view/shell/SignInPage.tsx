import { useEffect, useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Logo } from '../../../kit/Logo.tsx';
import { useTitle } from '../../../kit/title.ts';
import { t } from '../../words.ts';
import { Language } from '../Language.tsx';
import { NewPassword } from '../Password.tsx';
import { Problem, useAction, useBox } from '../use.tsx';
import './door.css';

export function SignInPage() {
  const [forgot, setForgot] = useState(false);
  const box = useBox();
  useTitle(t('sign-in.title'));
  return (
    <div class="door">
      <main class="door-main">
        <Logo />
        <div>
          <h1>{forgot ? t('recover.title') : t('sign-in.title')}</h1>
          <p class="page-lead">{t('sign-in.at', { name: box.setup.value?.name ?? '' })}</p>
        </div>
        {forgot ? <Forgot back={() => setForgot(false)} /> : <SignIn forgot={() => setForgot(true)} />}
        <Language />
      </main>
    </div>
  );
}

function SignIn({ forgot }: { readonly forgot: () => void }) {
  const box = useBox();
  const act = useAction();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [oneTime, setOneTime] = useState('');
  const [asked, setAsked] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    const done = await act.run(() => box.signIn({ name: name.trim(), password, ...(oneTime === '' ? {} : { one_time: oneTime.replaceAll(/\s/g, '') }) }));
    if (!done && act.code.value.startsWith('one-time')) setAsked(true);
  };
  const back = box.back.value;
  useEffect(() => {
    if (back) void act.run(() => box.fromProvider(back));
  }, [back, act, box]);
  const provider = box.setup.value?.provider ?? '';
  const leave = () => act.run(async () => location.assign(await box.provider()));
  return (
    <form class="form" onSubmit={(event) => void enter(event)}>
      <Problem of={act} />
      <TextField label={t('account.name')} value={name} autocomplete="username" autofocus error={act.fields.value['name']} onInput={setName} />
      <TextField label={t('account.password')} type="password" value={password} autocomplete="current-password" error={act.fields.value['password']} onInput={setPassword} />
      {asked ? (
        <TextField label={t('account.one-time')} value={oneTime} inputMode="numeric" autocomplete="one-time-code" autofocus error={act.fields.value['one_time']} onInput={setOneTime} />
      ) : null}
      <Button kind="primary" large wide type="submit" disabled={act.busy.value}>
        {t('sign-in')}
      </Button>
      {provider === '' ? null : (
        <>
          <p class="door-or">{t('sign-in.or')}</p>
          <Button large wide disabled={act.busy.value} onClick={() => void leave()}>
            {t('sign-in.with', { name: provider })}
          </Button>
        </>
      )}
      <button type="button" class="link-button" onClick={forgot}>
        {t('recover.link')}
      </button>
    </form>
  );
}

function Forgot({ back }: { readonly back: () => void }) {
  const box = useBox();
  const act = useAction();
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void act.run(() => box.recover({ name: name.trim(), code: code.trim(), password }));
      }}
    >
      <p>{t('recover.text')}</p>
      <Problem of={act} />
      <TextField label={t('account.name')} value={name} autocomplete="username" autofocus error={act.fields.value['name']} onInput={setName} />
      <TextField label={t('recover.code')} value={code} mono error={act.fields.value['code']} onInput={setCode} />
      <NewPassword label={t('account.new-password')} value={password} error={act.fields.value['password']} onInput={setPassword} />
      <Button kind="primary" large wide type="submit" disabled={act.busy.value}>
        {t('recover.do')}
      </Button>
      <button type="button" class="link-button" onClick={back}>
        {t('back')}
      </button>
    </form>
  );
}
