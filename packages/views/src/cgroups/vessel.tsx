'use client';
/** The mark of a group: a vessel with its level, and a rim where it is limited. */

export function Vessel({ level, rim }: { readonly level: number; readonly rim: boolean }) {
  const height = 8.4 * Math.min(1, Math.max(0, level));
  return (
    <svg className="tr-vessel" viewBox="0 0 14 14" width="15" height="15" aria-hidden="true">
      <rect className="level" x="2.9" y={11.6 - height} width="8.2" height={height} rx="1" />
      <path d="M2.4 2.4v8.1c0 .9.6 1.5 1.5 1.5h6.2c.9 0 1.5-.6 1.5-1.5V2.4" />
      {rim && <path className="rim" d="M1.2 2.6h11.6" />}
    </svg>
  );
}
