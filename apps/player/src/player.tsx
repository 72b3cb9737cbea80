/** The page: asks for a recording, opens it, plays it. */
import { type DragEvent, useCallback, useEffect, useState } from 'react';
import { Playing } from './playing.js';
import {
  embeddedRecording,
  fetchRecording,
  type OpenRecording,
  openBytes,
} from './recording-input.js';
import { playerStrings, readerLanguage } from './strings.js';

type Stage =
  | { readonly at: 'empty' }
  | { readonly at: 'opening' }
  | { readonly at: 'open'; readonly open: OpenRecording }
  | { readonly at: 'failed'; readonly why: string };

export function Player() {
  const [stage, setStage] = useState<Stage>({ at: 'empty' });
  const take = useCallback(async (name: string, get: () => Promise<Uint8Array> | Uint8Array) => {
    setStage({ at: 'opening' });
    try {
      setStage({ at: 'open', open: await openBytes(name, await get()) });
    } catch (error) {
      setStage({ at: 'failed', why: error instanceof Error ? error.message : String(error) });
    }
  }, []);
  const takeFile = (file: File | undefined): void => {
    if (file === undefined) return;
    void take(file.name, async () => new Uint8Array(await file.arrayBuffer()));
  };
  useEffect(() => {
    const inside = embeddedRecording();
    const address = new URLSearchParams(window.location.search).get('src');
    if (inside !== null) void take(document.title, () => inside);
    else if (address !== null) void take(address, () => fetchRecording(address));
  }, [take]);
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    takeFile(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one way of three; the button is another
    <div className="player" onDrop={onDrop} onDragOver={(event) => event.preventDefault()}>
      {stage.at === 'open' ? (
        <Playing open={stage.open} onAnother={() => setStage({ at: 'empty' })} />
      ) : (
        <Door stage={stage} onFile={takeFile} />
      )}
    </div>
  );
}

function Door(props: {
  readonly stage: Exclude<Stage, { at: 'open' }>;
  readonly onFile: (file: File | undefined) => void;
}) {
  const { stage, onFile } = props;
  const words = playerStrings(readerLanguage());
  return (
    <main className="player-door">
      <h1>{words.title}</h1>
      <p>{words.lead}</p>
      <label className="player-file">
        <input
          type="file"
          accept=".terrarium"
          onChange={(event) => onFile(event.target.files?.[0])}
        />
        <span>{words.choose}</span>
      </label>
      <p className="player-quiet">{words.drop}</p>
      <p role="status">
        {stage.at === 'opening' ? words.opening : ''}
        {stage.at === 'failed' ? words.failed(stage.why) : ''}
      </p>
    </main>
  );
}
