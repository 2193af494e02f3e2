import { useState } from 'preact/hooks';
import { Button } from '../../../kit/Button.tsx';
import { Notice } from '../../../kit/Card.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Logo } from '../../../kit/Logo.tsx';
import { nextStep, openStep, type Step, steps } from '../../model/steps.ts';
import { t } from '../../words.ts';
import { goToStep, setupStep } from '../chosen.ts';
import { Language } from '../Language.tsx';
import { NewPassword } from '../Password.tsx';
import { Codes } from '../people/Codes.tsx';
import { Problem, useAction, useBox } from '../use.tsx';
import { ClockStep, DoneStep, NetworkStep, TestStep, TrustStep } from './later.tsx';
import { StepHead } from './StepHead.tsx';
import './wizard.css';

/** What somebody typed, kept while they go back and forth. */
interface Typed {
  readonly code: string;
  readonly name: string;
  readonly password: string;
}

/** Makes an owner of whoever stands before the box, and the box ready for a first meeting. */
export function Wizard() {
  const box = useBox();
  const [typed, setTyped] = useState<Typed>({ code: '', name: '', password: '' });
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const claimed = box.setup.value?.claimed ?? false;
  const step: Step = codes ? 'codes' : openStep(setupStep.value, claimed);
  const go = () => {
    setCodes(null);
    const next = nextStep(step);
    goToStep(next ?? '');
    if (!next) location.hash = '#/';
  };
  return (
    <div class="wizard">
      <header class="wizard-head">
        <Logo />
        <p class="soft">{t('setup.step', { n: steps.indexOf(step) + 1, all: steps.length })}</p>
        <Track step={step} />
      </header>
      <main class="wizard-main">
        {step === 'language' ? <LanguageStep next={go} /> : null}
        {step === 'owner' ? (
          <OwnerStep
            typed={typed}
            setTyped={setTyped}
            back={() => goToStep('language')}
            claimed={(recovery) => {
              goToStep('clock'); // for who loads the page again
              setCodes(recovery);
            }}
          />
        ) : null}
        {step === 'codes' && codes ? <CodesStep codes={codes} next={go} /> : null}
        {step === 'clock' ? <ClockStep next={go} /> : null}
        {step === 'network' ? <NetworkStep next={go} /> : null}
        {step === 'trust' ? <TrustStep next={go} /> : null}
        {step === 'test' ? <TestStep next={go} /> : null}
        {step === 'done' ? <DoneStep next={go} /> : null}
      </main>
    </div>
  );
}

function Track({ step }: { readonly step: Step }) {
  const now = steps.indexOf(step);
  return (
    <ol class="track" aria-label={t('setup.title')}>
      {steps.map((s, i) => (
        <li key={s} class={i < now ? 'track-done' : ''} aria-current={s === step ? 'step' : undefined}>
          <span>{t(`setup.${s}`)}</span>
        </li>
      ))}
    </ol>
  );
}

function LanguageStep({ next }: { readonly next: () => void }) {
  return (
    <>
      <StepHead title={t('setup.welcome')} text={t('setup.welcome-text')} />
      <Language />
      <div class="buttons">
        <Button
          kind="primary"
          large
          onClick={() => {
            goToStep('language');
            next();
          }}
        >
          {t('setup.begin')}
        </Button>
      </div>
    </>
  );
}

interface OwnerStepProps {
  readonly typed: Typed;
  readonly setTyped: (typed: Typed) => void;
  readonly back: () => void;
  readonly claimed: (recovery: readonly string[]) => void;
}

function OwnerStep({ typed, setTyped, back, claimed }: OwnerStepProps) {
  const box = useBox();
  const act = useAction();
  const enter = (event: Event) => {
    event.preventDefault();
    void act.run(async () => claimed(await box.claim({ code: typed.code.trim(), name: typed.name.trim(), password: typed.password })));
  };
  const wrong = act.fields.value;
  return (
    <form class="form" onSubmit={enter}>
      <StepHead title={t('setup.owner-title')} text={t('setup.owner-text')} />
      <Problem of={act} />
      <TextField
        label={t('setup.code')}
        value={typed.code}
        mono
        inputMode="numeric"
        placeholder="0000-0000"
        hint={t('setup.code-hint')}
        error={wrong['code']}
        onInput={(code) => setTyped({ ...typed, code })}
      />
      <TextField label={t('account.name')} value={typed.name} autocomplete="username" hint={t('setup.name-hint')} error={wrong['name']} onInput={(name) => setTyped({ ...typed, name })} />
      <NewPassword label={t('account.password')} value={typed.password} error={wrong['password']} onInput={(password) => setTyped({ ...typed, password })} />
      <div class="buttons">
        <Button kind="primary" large type="submit" disabled={act.busy.value}>
          {t('setup.claim')}
        </Button>
        <Button large onClick={back}>
          {t('back')}
        </Button>
      </div>
    </form>
  );
}

function CodesStep({ codes, next }: { readonly codes: readonly string[]; readonly next: () => void }) {
  const box = useBox();
  return (
    <>
      <StepHead title={t('codes.title')} text={t('codes.text')} />
      <Notice mood="warn">
        <p>{t('codes.once')}</p>
      </Notice>
      <Codes codes={codes} name={box.session.value?.account ?? ''} />
      <div class="buttons">
        <Button kind="primary" large onClick={next}>
          {t('codes.kept')}
        </Button>
      </div>
    </>
  );
}

