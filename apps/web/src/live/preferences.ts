/**
 * What the learner chose about the page itself. Kept in cookies, so that the server draws the
 * page right the first time (no flash of the wrong theme, no panes that jump), and told to the
 * daemon as settings, so that they outlive the browser's memory.
 */

/** The keys, each a cookie `terrarium_<key>` and a setting of the same name. */
export const PREFERENCES = [
  'lang',
  'theme',
  'present',
  'layout',
  'fontsize',
  'split',
  'lanes',
  'told',
  'last',
] as const;
export type PreferenceKey = (typeof PREFERENCES)[number];

export type Preferences = Readonly<Partial<Record<PreferenceKey, string>>>;

/** One year in seconds. */
const MAX_AGE = 31_536_000;

/** Reads all preferences from a Cookie header or document.cookie; strange values are left out. */
export function readPreferences(cookies: string): Preferences {
  const found: Partial<Record<PreferenceKey, string>> = {};
  for (const pair of cookies.split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2);
    const key = PREFERENCES.find((known) => name === `terrarium_${known}`);
    if (key === undefined || value === '') continue;
    try {
      found[key] = decodeURIComponent(value);
    } catch {
      // Not written by us: as if it were not there.
    }
  }
  return found;
}

/** The Set-Cookie text that keeps one preference. */
export function preferenceCookie(key: PreferenceKey, value: string): string {
  return `terrarium_${key}=${encodeURIComponent(value)}; Path=/; Max-Age=${MAX_AGE}; SameSite=Strict`;
}

/** Keeps one preference in this browser. */
export function rememberLocally(key: PreferenceKey, value: string): void {
  // The Cookie Store API is not in Firefox before 140 nor in insecure contexts such as http://lab:3000.
  // biome-ignore lint/suspicious/noDocumentCookie: see above
  document.cookie = preferenceCookie(key, value);
}

/** Sizes of the panes in percent, by group: `{"columns": {"reader": 38, "work": 62}}`. */
export type Layouts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Reads the panes' sizes; an unreadable text is as none. */
export function parseLayouts(text: string | undefined): Layouts {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isLayouts(value) ? value : {};
  } catch {
    return {};
  }
}

function isLayouts(value: unknown): value is Layouts {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every(
      (group: unknown) =>
        typeof group === 'object' &&
        group !== null &&
        Object.values(group).every(
          (size: unknown) => typeof size === 'number' && size >= 0 && size <= 100,
        ),
    )
  );
}
