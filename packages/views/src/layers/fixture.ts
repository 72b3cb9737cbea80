/** An overlay in a telling state: two lower layers, a copy-up, a whiteout, an opaque directory. */
import type { LayerEntry, OverlayState, State } from '@terrarium/timeline';
import { DEMO_NAMESPACES, DEMO_STATE } from '../fixture.js';

const file = (size: number, more: Partial<LayerEntry> = {}): LayerEntry => ({
  kind: 'file',
  size,
  ...more,
});
const directory = (more: Partial<LayerEntry> = {}): LayerEntry => ({
  kind: 'directory',
  size: 0,
  ...more,
});

/** Mounted on /mnt from /lab/a, /lab/b and /lab/upper. */
export const DEMO_OVERLAY: OverlayState = {
  key: '0:71',
  bornAt: DEMO_STATE.t - 5000,
  layers: [
    {
      dir: '/lab/upper',
      role: 'upper',
      entries: {
        etc: directory({ came: 'copy-up' }),
        'etc/motd': file(38, { came: 'copy-up', copiedIn: 26 }),
        log: directory({ opaque: true, came: 'created' }),
        'log/today': file(120, { came: 'created' }),
        'old-notes': { kind: 'whiteout', size: 0 },
      },
      more: 0,
    },
    {
      dir: '/lab/b',
      role: 'lower',
      entries: {
        bin: directory(),
        'bin/tool': file(812_000),
        etc: directory(),
        'etc/motd': file(21),
      },
      more: 0,
    },
    {
      dir: '/lab/a',
      role: 'lower',
      entries: {
        etc: directory(),
        'etc/hosts': file(98),
        'etc/motd': file(12),
        log: directory(),
        'log/yesterday': file(4000),
        'old-notes': file(777),
      },
      more: 3,
    },
  ],
  workDir: '/lab/work',
  ofSandbox: false,
};

/** The demo sandbox with it. */
export const DEMO_LAYERS: State = {
  ...DEMO_STATE,
  overlays: { [DEMO_OVERLAY.key]: DEMO_OVERLAY },
  mounts: {
    [DEMO_NAMESPACES.mnt]: {
      '40': {
        ...{ mountId: 40, parentId: 1, device: DEMO_OVERLAY.key, root: '/', mountPoint: '/mnt' },
        ...{ mountOptions: 'rw,relatime', optionalFields: [], fsType: 'overlay' },
        mountSource: 'overlay',
        superOptions: 'rw,lowerdir=/lab/b:/lab/a,upperdir=/lab/upper,workdir=/lab/work',
      },
    },
  },
};
