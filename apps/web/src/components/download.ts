/** Gives the browser a file to save. */

/** How long the browser may take to read it, ms. */
const READ_MS = 60_000;

/** @param name what the file is to be called on the learner's computer */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), READ_MS);
}
