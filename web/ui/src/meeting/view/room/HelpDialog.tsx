import { useState } from 'preact/hooks';
import { tf } from '../../../i18n/frame.ts';
import { t } from '../../../i18n/i18n.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { SwitchField } from '../../../kit/Field.tsx';
import { announce } from '../../../kit/Live.tsx';
import { keymap, shortcuts } from '../app/settings.ts';
import { assign, type Command, commandOf, commands, defaults, isFree, type Keymap, keyOf, parse, print } from './keymap.ts';
import type { Actions } from './shortcuts.ts';
import './help.css';

// Held or pinned, these are no actions of the room's.
const built: ReadonlySet<Command> = new Set(['talk', 'pin-self']);

interface HelpDialogProps {
  readonly actions: Actions;
  readonly close: () => void;
}

/** What the keys do, and how to have others. */
export function HelpDialog({ actions, close }: HelpDialogProps) {
  const map = parse(keymap.value);
  const [asking, setAsking] = useState<Command | null>(null);
  const [said, setSaid] = useState('');
  const ask = (command: Command | null) => {
    setAsking(command);
    setSaid(command ? tf('keys.press') : '');
  };
  const say = (text: string) => {
    setSaid(text);
    announce(text);
  };
  const choose = (command: Command, key: string) => {
    if (key !== '' && !isFree(key)) {
      say(tf('keys.digit'));
      return;
    }
    const former = commandOf(map, key);
    keymap.value = print(assign(map, command, key));
    setAsking(null);
    const now = tf('keys.now', { key: label(key), what: tf(`command.${command}`) });
    say(former && former !== command ? `${now}. ${tf('keys.taken', { key: label(key), what: tf(`command.${former}`) })}` : now);
  };
  const shown = commands.filter((c) => built.has(c) || actions[c]);
  return (
    <Dialog title={t('keys.title')} closeLabel={t('dialog.close')} onClose={close}>
      <p>{tf('keys.lead')}</p>
      <SwitchField
        label={t('settings.shortcuts')}
        on={shortcuts.value}
        onChange={(on) => {
          shortcuts.value = on;
        }}
      />
      <p class="keys-said">{said}</p>
      <ul class="keys">
        {shown.map((command) => (
          <KeyLine key={command} command={command} map={map} asking={asking === command} ask={ask} choose={(key) => choose(command, key)} />
        ))}
        <li>
          <span>{tf('command.pin')}</span>
          <kbd>1–9</kbd>
        </li>
      </ul>
      <Button
        disabled={print(map) === print(defaults)}
        onClick={() => {
          keymap.value = print(defaults);
          setSaid('');
        }}
      >
        {tf('keys.reset')}
      </Button>
    </Dialog>
  );
}

interface KeyLineProps {
  readonly command: Command;
  readonly map: Keymap;
  readonly asking: boolean;
  readonly ask: (command: Command | null) => void;
  readonly choose: (key: string) => void;
}

function KeyLine({ command, map, asking, ask, choose }: KeyLineProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (!asking || event.key === 'Tab') return;
    if (event.key === 'Escape' || event.key === 'Backspace' || keyOf(event) !== '') event.preventDefault();
    event.stopPropagation();
    if (event.key === 'Escape') ask(null);
    else if (event.key === 'Backspace') choose('');
    else if (keyOf(event) !== '') choose(keyOf(event));
  };
  const what = tf(`command.${command}`);
  return (
    <li>
      <span>{what}</span>
      <button
        type="button"
        class={asking ? 'key key-asking' : 'key'}
        aria-label={`${tf('keys.change', { what })}: ${asking ? tf('keys.press') : label(map[command])}`}
        aria-pressed={asking}
        onClick={(event) => {
          // COMPAT(safari): a click gives a button no focus, and the keys would go elsewhere.
          event.currentTarget.focus();
          ask(asking ? null : command);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => asking && ask(null)}
      >
        {asking ? tf('keys.waiting') : label(map[command])}
      </button>
    </li>
  );
}

function label(key: string): string {
  if (key === '') return tf('keys.none');
  if (key === 'space') return t('keys.space');
  return key.startsWith('alt+') ? `Alt + ${key.slice(4).toUpperCase()}` : key.toUpperCase();
}
