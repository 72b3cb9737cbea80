'use client';
/** The offer before a sandbox goes: what the learner made in it, as one file on their own computer. */
import { fileRefusal } from '@terrarium/protocol';
import { useState } from 'react';
import { Button } from '../components/button';
import { download } from '../components/download';
import { useTexts } from '../i18n/use-texts';
import { fileStrings, refusalText } from './strings';

const ADDRESS = '/api/files/archive';
const FILE_NAME = 'terrarium-files.tar.gz';

type Saving = 'not asked' | 'under way' | 'done' | { readonly code: string };

/** A button, and in words what came of it. */
export function SaveFiles() {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const [saving, setSaving] = useState<Saving>('not asked');
  const save = async (): Promise<void> => {
    setSaving('under way');
    setSaving(await fetchArchive());
  };
  return (
    <div className="save-files">
      <Button disabled={saving === 'under way'} onClick={() => void save()}>
        {saving === 'under way' ? words.keepingFiles : words.keepFiles}
      </Button>
      <p className="quiet" role="status">
        {said(saving, lang)}
      </p>
    </div>
  );
}

function said(saving: Saving, lang: 'en' | 'zh'): string {
  const words = fileStrings(lang);
  if (saving === 'done') return words.keptFiles;
  if (typeof saving === 'string') return words.keepFilesWhat;
  if (saving.code === 'offline') return words.offline;
  return saving.code === 'too-large' ? words.tooMuch : refusalText(saving.code, lang);
}

async function fetchArchive(): Promise<Saving> {
  const response = await fetch(ADDRESS).catch(() => null);
  if (response === null) return { code: 'offline' };
  if (!response.ok) {
    const refusal = fileRefusal.safeParse(await response.json().catch(() => null));
    return { code: refusal.success ? refusal.data.error.code : `HTTP ${response.status}` };
  }
  download(await response.blob(), FILE_NAME);
  return 'done';
}
