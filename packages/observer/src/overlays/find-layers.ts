/** From the mounts of an overlay to its layers, each with the place where it can be looked at. */
import type { OverlayLayers } from '@terrarium/timeline';
import { Layer } from './layer.js';
import type { Place, PlacedRow, Places } from './places.js';

/** What an overlay is made of, and where it is mounted. */
export interface OverlayMounts {
  readonly device: string;
  readonly options: OverlayLayers;
  readonly rows: readonly PlacedRow[];
  readonly ofSandbox: boolean;
}

/** Uppermost first. The base image of the sandbox's own root is not for listing. */
export function findLayers(
  places: Places,
  { options, rows, ofSandbox }: OverlayMounts,
): readonly Layer[] {
  const { upper, lower } = options;
  const layers = lower.map((dir) => {
    const place = ofSandbox ? null : places.byPath(dir, rows, null);
    return new Layer(dir, 'lower', place);
  });
  if (upper === null) return layers;
  return [new Layer(upper, 'upper', findUpper(places, upper, rows)), ...layers];
}

/** The overlay itself knows which directory is meant, where the kernel tells; else its path must do. */
function findUpper(places: Places, dir: string, rows: readonly PlacedRow[]): Place | null {
  const handle = places.upperHandle(rows);
  const place = places.byPath(dir, rows, handle);
  if (place !== null || handle === null) return place;
  return places.byHandle(handle, dir, rows);
}
