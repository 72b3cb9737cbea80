/**
 * Finds by halving where an ordered list turns.
 *
 * @param isAfter false for the first ones of the list, true for all behind them
 * @returns index of the first for which it is true; the list's length when there is none
 */
export function firstAfter<T>(list: readonly T[], isAfter: (one: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAfter(list[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
