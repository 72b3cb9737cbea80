/** The player with a recording inside: one HTML file that needs nothing else. */

/** Where the player page has room for a recording, see apps/player. */
const ROOM = '<script id="recording" type="text/plain"></script>';

/**
 * @param noPlayer what to say when this lab has no player
 * @throws Error when the player cannot be fetched
 */
export async function playerPage(recording: Uint8Array, noPlayer: string): Promise<Blob> {
  const response = await fetch('/player.html');
  if (!response.ok) throw new Error(noPlayer);
  const [before, after, more] = (await response.text()).split(ROOM);
  if (before === undefined || after === undefined || more !== undefined) throw new Error(noPlayer);
  const open = ROOM.slice(0, -'</script>'.length);
  return new Blob([before, open, base64(recording), '</script>', after], { type: 'text/html' });
}

/** Slice by slice: spreading a whole recording would overflow the stack. */
function base64(bytes: Uint8Array): string {
  const SLICE = 3 * 8192; // a multiple of three has no padding inside
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += SLICE) {
    parts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + SLICE))));
  }
  return parts.join('');
}
