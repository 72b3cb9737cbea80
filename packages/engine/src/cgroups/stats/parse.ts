/** The three shapes that values have in cgroup files. Pure. */

/** v1 says "unlimited" by the largest number of pages, as bytes: 2^63 less one page. */
const V1_UNLIMITED = 2 ** 62;

/** `4096` */
export function numberOf(content: string): number | null {
  const value = Number(content);
  return content === '' || Number.isNaN(value) ? null : value;
}

/** `4096`, or `max` and v1's huge number: both unlimited, which is null. */
export function numberOrMax(content: string): number | null {
  const value = numberOf(content);
  return value === null || value >= V1_UNLIMITED ? null : value;
}

/** v1's cpuacct counts nanoseconds; rounded. */
export function microsOfNanos(content: string): number | null {
  const value = numberOf(content);
  return value === null ? null : Math.round(value / 1000);
}

/** The value of one key among lines such as `oom_kill 3`; null when there is no such line. */
export function flatKeyed(key: string): (content: string) => number | null {
  return (content) => {
    for (const line of content.split('\n')) {
      const [name, value] = line.split(' ');
      if (name === key && value !== undefined) return numberOf(value);
    }
    return null;
  };
}

/** One line of a file such as io.stat: `8:0 rbytes=4096 wbytes=0`; what is no number is left out. */
export interface NestedRow {
  readonly key: string;
  readonly values: Readonly<Record<string, number>>;
}

/** All lines of such a file. */
export function nestedKeyed(content: string): NestedRow[] {
  return content
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [key = '', ...fields] = line.split(' ');
      const values: Record<string, number> = {};
      for (const field of fields) {
        const [name = '', value = ''] = field.split('=');
        const number = numberOf(value);
        if (number !== null) values[name] = number;
      }
      return { key, values };
    });
}
