import { useRef, useState } from 'preact/hooks';
import { clock, t } from '../../../i18n/i18n.ts';
import { tt } from '../../../i18n/together.ts';
import { Button, IconButton } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Icon } from '../../../kit/icons.tsx';
import type { Files, SharedFile, Upload } from '../../model/together/files.ts';
import type { Meeting } from '../../model/types.ts';
import { Panel } from '../room/Panel.tsx';
import { sizeText } from './size.ts';
import './together.css';
import './files.css';

/** The files of the meeting: sharing, and what is there. */
export function FilesPanel({ meeting, close }: { readonly meeting: Meeting; readonly close: () => void }) {
  const files = meeting.together.value?.files;
  return (
    <Panel title={tt('files.title')} close={close}>
      {files ? <Content files={files} moderator={meeting.me.moderator.value} /> : <p class="panel-note">{tt('loading')}</p>}
    </Panel>
  );
}

function Content({ files, moderator }: { readonly files: Files; readonly moderator: boolean }) {
  const [removing, setRemoving] = useState<SharedFile | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const most = files.most.value;
  const list = files.list.value;
  const uploads = files.uploads.value;
  return (
    <>
      <div class="panel-body">
        {uploads.length > 0 ? (
          <ul class="files">
            {uploads.map((u) => (
              <Sending key={u.id} upload={u} files={files} />
            ))}
          </ul>
        ) : null}
        {list.length > 0 ? (
          <ul class="files">
            {list.map((f) => (
              <Row key={f.id} file={f} remove={f.own || moderator ? () => setRemoving(f) : null} />
            ))}
          </ul>
        ) : null}
        {list.length === 0 && uploads.length === 0 ? (
          <div class="panel-empty">
            <Icon name="file" size={30} />
            <p>{most === 0 ? tt('files.off') : tt('files.empty')}</p>
          </div>
        ) : null}
      </div>
      {most === 0 ? null : (
        <div class="panel-foot">
          <input
            ref={input}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              files.share([...(event.currentTarget.files ?? [])]);
              // The same file again is a change, too.
              event.currentTarget.value = '';
            }}
          />
          <Button kind="primary" wide onClick={() => input.current?.click()}>
            <Icon name="share" size={18} />
            {tt('files.share')}
          </Button>
          {most !== null && Number.isFinite(most) ? <p class="panel-hint">{tt('files.limit', { size: sizeText(most) })}</p> : null}
        </div>
      )}
      {removing ? (
        <Dialog
          title={tt('files.remove-title', { file: removing.name })}
          closeLabel={t('dialog.close')}
          onClose={() => setRemoving(null)}
          actions={
            <>
              <Button kind="quiet" onClick={() => setRemoving(null)}>
                {t('dialog.cancel')}
              </Button>
              <Button
                kind="danger"
                onClick={() => {
                  files.remove(removing.id);
                  setRemoving(null);
                }}
              >
                {tt('files.delete')}
              </Button>
            </>
          }
        >
          <p>{tt('files.remove-text')}</p>
        </Dialog>
      ) : null}
    </>
  );
}

function Row({ file, remove }: { readonly file: SharedFile; readonly remove: (() => void) | null }) {
  const author = file.own ? t('person.you') : file.author || t('person.guest');
  return (
    <li class="file" data-file={file.name}>
      <Thumb file={file} />
      <span class="file-text">
        <span class="file-name" title={file.name} dir="auto">
          {file.name}
        </span>
        <span class="file-meta">
          {tt('files.meta', { name: author, size: sizeText(file.size) })} · {clock(file.time)}
        </span>
      </span>
      <a class="icon-button icon-button-plain icon-button-small" href={file.url} download={file.name} aria-label={tt('files.download', { file: file.name })} title={tt('files.download', { file: file.name })}>
        <Icon name="download" size={20} />
      </a>
      {remove ? (
        <IconButton label={tt('files.remove', { file: file.name })} look="plain" small onClick={remove}>
          <Icon name="trash" size={20} />
        </IconButton>
      ) : null}
    </li>
  );
}

function Thumb({ file }: { readonly file: SharedFile }) {
  const [broken, setBroken] = useState(false);
  // A picture of hundreds of megabytes is not fetched to be looked at in the size of a stamp.
  const shown = file.picture && !broken && file.size < 20_000_000;
  return (
    <span class="file-thumb">
      {shown ? <img src={file.url} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} /> : <Icon name="file" size={22} />}
    </span>
  );
}

function Sending({ upload, files }: { readonly upload: Upload; readonly files: Files }) {
  const problem = upload.problem.value;
  const sent = upload.sent.value;
  return (
    <li class="file file-sending">
      <span class="file-text">
        <span class="file-name" title={upload.name} dir="auto">
          {upload.name}
        </span>
        {problem ? (
          <span class="file-problem" role="alert">
            {tt(`files.problem.${problem}`, { size: sizeText(files.most.value ?? 0) })}
          </span>
        ) : (
          <>
            <progress class="file-progress" max={upload.size} value={sent} aria-label={tt('files.progress', { file: upload.name })} />
            <span class="file-meta">{tt('files.sending', { sent: sizeText(sent), size: sizeText(upload.size) })}</span>
          </>
        )}
      </span>
      {problem ? (
        <IconButton label={tt('files.again')} look="plain" small onClick={() => files.again(upload.id)}>
          <Icon name="refresh" size={20} />
        </IconButton>
      ) : null}
      <IconButton label={tt(problem ? 'files.dismiss' : 'files.cancel', { file: upload.name })} look="plain" small onClick={() => files.cancel(upload.id)}>
        <Icon name="close" size={20} />
      </IconButton>
    </li>
  );
}
