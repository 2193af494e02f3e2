import { useState } from 'preact/hooks';
import { t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { TextField } from '../../../kit/Field.tsx';
import { Icon } from '../../../kit/icons.tsx';
import { Avatar } from '../../../kit/Person.tsx';
import { MenuItem, Popover } from '../../../kit/Popover.tsx';
import type { BreakoutPerson, BreakoutRoom, Breakouts } from '../../model/together/breakouts.ts';
import type { Meeting } from '../../model/types.ts';
import { Panel } from '../room/Panel.tsx';
import './together.css';
import './breakouts.css';

/** The rooms of the meeting, who is in them, and ways to go there. */
export function BreakoutsPanel({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const breakouts = meeting.together.value?.breakouts;
  return (
    <Panel title={tt('breakout.title')} close={close}>
      {breakouts ? <Content breakouts={breakouts} moderator={meeting.me.moderator.value} /> : <p class="panel-note">{tt('loading')}</p>}
    </Panel>
  );
}

function Content({ breakouts, moderator }: { readonly breakouts: Breakouts; readonly moderator: boolean }) {
  const [renaming, setRenaming] = useState<BreakoutRoom | null>(null);
  const rooms = breakouts.rooms.value;
  const others = rooms.filter((r) => !r.main);
  return (
    <>
      <div class="panel-body">
        {rooms.length === 0 ? (
          <div class="panel-empty">
            <Icon name="rooms" size={30} />
            <p>{moderator ? tt('breakout.empty') : tt('breakout.none')}</p>
          </div>
        ) : null}
        {rooms.map((room) => (
          <Room key={room.jid} room={room} rooms={rooms} breakouts={breakouts} moderator={moderator} rename={() => setRenaming(room)} />
        ))}
      </div>
      {moderator ? (
        <div class="panel-foot">
          {others.length > 0 ? (
            <>
              <Button wide onClick={() => breakouts.assign()}>
                {tt('breakout.assign')}
              </Button>
              <Button wide onClick={() => breakouts.bringBack()}>
                {tt('breakout.back')}
              </Button>
            </>
          ) : null}
          <Button kind={others.length === 0 ? 'primary' : 'secondary'} wide onClick={() => breakouts.add(tt('breakout.default', { n: breakouts.next.value }))}>
            <Icon name="plus" size={18} />
            {tt('breakout.add')}
          </Button>
        </div>
      ) : null}
      {renaming ? <Rename room={renaming} breakouts={breakouts} close={() => setRenaming(null)} /> : null}
    </>
  );
}

interface RoomProps {
  readonly room: BreakoutRoom;
  readonly rooms: readonly BreakoutRoom[];
  readonly breakouts: Breakouts;
  readonly moderator: boolean;
  readonly rename: () => void;
}

const nameOf = (room: BreakoutRoom) => (room.main ? tt('breakout.main') : room.name || tt('breakout.title'));

function Room({ room, rooms, breakouts, moderator, rename }: RoomProps) {
  const name = nameOf(room);
  const here = breakouts.here.value === room.jid;
  return (
    <section class="breakout" aria-label={name}>
      <div class="breakout-head">
        <h3 dir="auto">{name}</h3>
        {here ? (
          <span class="breakout-here">{tt('breakout.here')}</span>
        ) : (
          <Button kind="quiet" onClick={() => breakouts.join(room.jid)}>
            <span aria-hidden="true">{tt('breakout.go')}</span>
            <span class="sr-only">{tt('breakout.join', { room: name })}</span>
          </Button>
        )}
        {moderator && !room.main ? (
          <Popover
            label={tt('breakout.tools', { room: name })}
            role="menu"
            side="below"
            align="end"
            sheet
            trigger={(open, toggle) => (
              <IconButton label={tt('breakout.tools', { room: name })} look="plain" small popup="menu" expanded={open} onClick={toggle}>
                <Icon name="more" size={20} />
              </IconButton>
            )}
          >
            {(close) => (
              <>
                <MenuItem
                  icon="edit"
                  onClick={() => {
                    close();
                    rename();
                  }}
                >
                  {tt('breakout.rename', { room: name })}
                </MenuItem>
                <MenuItem
                  icon="trash"
                  danger
                  onClick={() => {
                    close();
                    breakouts.remove(room.jid);
                  }}
                >
                  {tt('breakout.close', { room: name })}
                </MenuItem>
              </>
            )}
          </Popover>
        ) : null}
      </div>
      {room.people.length === 0 ? <p class="breakout-nobody">{tt('breakout.nobody')}</p> : null}
      <ul>
        {room.people.map((p) => (
          <Person key={p.address} person={p} room={room} rooms={rooms} breakouts={breakouts} moderator={moderator} />
        ))}
      </ul>
    </section>
  );
}

interface PersonProps {
  readonly person: BreakoutPerson;
  readonly room: BreakoutRoom;
  readonly rooms: readonly BreakoutRoom[];
  readonly breakouts: Breakouts;
  readonly moderator: boolean;
}

function Person({ person, room, rooms, breakouts, moderator }: PersonProps) {
  const name = person.name || t('person.guest');
  return (
    <li class="breakout-person">
      <Avatar name={name} size="1.75rem" />
      <span class="breakout-person-name">{name}</span>
      {moderator && rooms.length > 1 ? (
        <Popover
          label={tt('breakout.move', { name })}
          role="menu"
          side="below"
          align="end"
          sheet
          trigger={(open, toggle) => (
            <IconButton label={tt('breakout.move', { name })} look="plain" small popup="menu" expanded={open} onClick={toggle}>
              <Icon name="next" size={18} />
            </IconButton>
          )}
        >
          {(close) =>
            rooms
              .filter((r) => r !== room)
              .map((r) => (
                <MenuItem
                  key={r.jid}
                  icon="rooms"
                  onClick={() => {
                    close();
                    breakouts.send(person.address, r.jid);
                  }}
                >
                  {nameOf(r)}
                </MenuItem>
              ))
          }
        </Popover>
      ) : null}
    </li>
  );
}

function Rename({ room, breakouts, close }: { readonly room: BreakoutRoom; readonly breakouts: Breakouts; readonly close: () => void }) {
  const [name, setName] = useState(room.name);
  return (
    <Dialog title={tt('breakout.rename', { room: room.name })} closeLabel={t('dialog.close')} onClose={close}>
      <form
        class="breakout-rename"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '') breakouts.rename(room.jid, name.trim());
          close();
        }}
      >
        <TextField label={tt('breakout.name')} value={name} maxLength={60} autofocus onInput={setName} />
        <Button kind="primary" type="submit">
          {tt('breakout.save')}
        </Button>
      </form>
    </Dialog>
  );
}
