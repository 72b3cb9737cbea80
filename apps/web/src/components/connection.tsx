'use client';
/** Whether the lab answers: a quiet dot while it does, a banner with words when it does not. */
import { useEffect, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import type { Lab } from '../live/lab-store';
import { useLabPart, useLabStore } from '../live/use-lab';
import { Button, IconButton } from './button';

/** The dot in the header. */
export function ConnectionMark() {
  const { t } = useTexts();
  const open = useLabPart((lab) => lab.connection.state === 'open');
  const label = open ? t.connection.ok : t.connection.connecting;
  return (
    <span
      className="connection-mark"
      data-open={open}
      role="img"
      aria-label={label}
      title={label}
    />
  );
}

/** The banner above the page, and what the daemon had to say that is no step's business. */
export function Banners() {
  return (
    <>
      <ConnectionBanner />
      <Notices />
    </>
  );
}

function ConnectionBanner() {
  const { t } = useTexts();
  const connection = useLabPart((lab) => lab.connection);
  const everConnected = useLabPart((lab) => lab.everConnected);
  const [shown, setShown] = useState(false);
  const troubled =
    connection.state === 'reconnecting' ||
    connection.state === 'closed' ||
    (connection.state === 'connecting' && shown);
  useEffect(() => {
    // A daemon that is back within half a second is no news.
    const timer = setTimeout(() => setShown(troubled), troubled ? 600 : 0);
    return () => clearTimeout(timer);
  }, [troubled]);
  if (!shown || connection.state === 'open') return null;
  if (connection.state === 'closed') {
    if (connection.reason === 'by-caller') return null;
    const texts = {
      unauthorized: t.connection.unauthorized,
      'version-mismatch': t.connection.versionMismatch,
      policy: t.connection.policy,
    };
    return (
      <div className="banner" data-tone="bad" role="alert">
        <span>{texts[connection.reason]}</span>
        {connection.reason === 'unauthorized' ? null : (
          <Button onClick={() => window.location.reload()}>{t.connection.reload}</Button>
        )}
      </div>
    );
  }
  return (
    <div className="banner" data-tone="warn" role="status">
      <span>{everConnected ? t.connection.lost : t.connection.connecting}</span>
      {connection.state === 'reconnecting' ? (
        <RetryIn key={connection.attempt} delayMs={connection.delayMs} />
      ) : null}
    </div>
  );
}

function RetryIn(props: { readonly delayMs: number }) {
  const { t } = useTexts();
  const [left, setLeft] = useState(Math.ceil(props.delayMs / 1000));
  useEffect(() => {
    const timer = setInterval(() => setLeft((seconds) => Math.max(0, seconds - 1)), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span className="banner-aside">{t.connection.retryIn(left)}</span>;
}

function Notices() {
  const { t, pick } = useTexts();
  const store = useLabStore();
  const notices = useLabPart((lab) => lab.notices);
  const sandbox = useLabPart(runningMessage);
  const [dismissed, setDismissed] = useState<object | null>(null);
  return (
    <>
      {sandbox === null || sandbox === dismissed ? null : (
        <div className="banner" data-tone="plain" role="status">
          <span>{pick(sandbox)}</span>
          <IconButton icon="close" label={t.notice.dismiss} onClick={() => setDismissed(sandbox)} />
        </div>
      )}
      {notices.map((notice) => (
        <div key={notice.id} className="banner" data-tone="warn" role="status">
          <span>{notice.text}</span>
          <IconButton
            icon="close"
            label={t.notice.dismiss}
            onClick={() => store.dismiss(notice.id)}
          />
        </div>
      ))}
    </>
  );
}

/** What the daemon says about a sandbox that runs: that it is a new one, and why. */
function runningMessage(lab: Lab): Lab['sandbox']['message'] {
  return lab.sandbox.status === 'running' ? lab.sandbox.message : null;
}
