/** Words of the view of layers. What a mount option or a terminal says stays as it is. */
import type { LayerEntry } from '@terrarium/timeline';
import type { Lang } from '../strings.js';

const en = {
  /** name of the tree: part of the page's contract */
  layers: 'Layers',
  merged: 'Seen from above',
  noOverlays: 'No overlay is mounted here.',
  noOverlaysHow: 'mount -t overlay puts directories on top of each other; each becomes a layer.',
  overlay: 'Overlay',
  ownRoot: 'the root of this sandbox',
  notMounted: 'not mounted in a namespace that is shown',
  layerCount: (n: number): string => (n === 1 ? '1 layer' : `${n} layers`),
  look: 'Look through',
  hideLayer: (name: string) => `${name}: look through it`,
  upper: 'upper',
  lower: (n: number) => `lower ${n}`,
  writable: 'writable',
  readOnly: 'only read',
  entryCount: (n: number): string => (n === 1 ? '1 entry' : `${n} entries`),
  moreEntries: (n: number) => `${n} more are not listed`,
  notListed: 'not listed',
  baseImage: 'the base image, the same for every sandbox: not listed',
  empty: 'empty',
  emptyUpper: 'empty: nothing has been written yet',
  mergedEmpty: 'nothing: every name is hidden',
  mergedOff: 'Without the layers that are switched off. The kernel still has them.',
  work: 'work directory',
  onTheWay: (size: string) => `${size} copied so far`,
  copiedUp: 'copied up',
  copiedUpIn: (time: string) => `copied up in ${time}`,
  created: 'new',
  renamed: 'renamed',
  whiteout: 'whiteout',
  whiteoutNote: 'c 0,0: hides the name below',
  opaque: 'opaque',
  hidden: 'hidden',
  hiddenBy: {
    file: (layer: string, path: string) => `hidden by ${path} in ${layer}`,
    whiteout: (layer: string, path: string) => `hidden by the whiteout ${path} in ${layer}`,
    opaque: (layer: string, path: string) => `hidden by ${path}, which is opaque, in ${layer}`,
  },
  from: (layer: string) => `from ${layer}`,
  kinds: {
    file: 'file',
    directory: 'directory',
    symlink: 'symbolic link',
    device: 'device node',
    fifo: 'FIFO',
    socket: 'socket',
    whiteout: 'whiteout',
  } satisfies Record<LayerEntry['kind'], string> as Readonly<Record<LayerEntry['kind'], string>>,
  // the card
  factLayer: 'Layer',
  factKind: 'Kind',
  factSize: 'Size',
  factCame: 'Came',
  cameCopyUp: 'by copy-up: the first write to a lower file copies all of it',
  cameCreated: 'made here; no lower layer had it',
  cameRenamed: 'by a rename in this layer',
  factJourney: 'In each layer',
  factOption: 'Mount option',
  factMounted: 'Mounted on',
  factEntries: 'Entries',
  factAufs: 'AUFS says',
  fates: {
    seen: 'this one is seen',
    merged: 'merged into the one above',
    whiteout: 'a hole',
    hidden: 'hidden',
    absent: 'nothing of this name',
  },
  upperHelp: 'What is written goes here, and nowhere else.',
  lowerHelp: 'Never written to: a write copies the file up first.',
  whiteoutHelp:
    'A character device 0:0. Overlay takes it for a hole: the name is gone, the lower file is still there.',
  opaqueHelp: 'The directory hides all that lower layers have under its name.',
  aufsUpper: 'the read-write branch (br=DIR=rw)',
  aufsLower: 'a read-only branch (=ro)',
  aufsWhiteout: (name: string) => `a file named .wh.${name}`,
  aufsOpaque: 'a file named .wh..wh..opq inside',
  aufsCopyUp: 'copy-up, too',
  // the text feed
  saidMounted: (n: number) => `an overlay of ${n} layers is mounted`,
  saidUnmounted: 'an overlay is unmounted',
  saidCopiedUp: (path: string) => `${path} was copied up`,
  saidManyCopiedUp: (n: number) => `${n} files were copied up`,
  saidWhiteout: (path: string) => `${path} got a whiteout`,
  saidManyWhiteouts: (n: number) => `${n} names got a whiteout`,
  saidNew: (path: string) => `${path} is new in the upper layer`,
  saidManyNew: (n: number) => `${n} entries are new in the upper layer`,
  saidGone: (path: string) => `${path} left the upper layer`,
  saidManyGone: (n: number) => `${n} entries left the upper layer`,
};

export type LayerStrings = typeof en;

const zh: LayerStrings = {
  layers: '镜像层',
  merged: '从上往下看',
  noOverlays: '这里没有挂载 overlay。',
  noOverlaysHow: 'mount -t overlay 把几个目录叠在一起，每个目录就是一层。',
  overlay: 'overlay',
  ownRoot: '这个沙箱的根目录',
  notMounted: '没有挂载在所显示的命名空间里',
  layerCount: (n) => `${n} 层`,
  look: '看穿',
  hideLayer: (name) => `${name}：看穿这一层`,
  upper: '上层（upper）',
  lower: (n) => `下层 ${n}（lower）`,
  writable: '可写',
  readOnly: '只读',
  entryCount: (n) => `${n} 项`,
  moreEntries: (n) => `另有 ${n} 项未列出`,
  notListed: '未列出',
  baseImage: '基础镜像，所有沙箱共用：不列出',
  empty: '空',
  emptyUpper: '空：还没有写入任何东西',
  mergedEmpty: '什么也没有：所有名字都被隐藏',
  mergedOff: '不含已关闭的层；内核里它们仍然存在。',
  work: '工作目录（work）',
  onTheWay: (size) => `已复制 ${size}`,
  copiedUp: '已上拷（copy-up）',
  copiedUpIn: (time) => `${time} 内上拷（copy-up）`,
  created: '新建',
  renamed: '已改名',
  whiteout: '白障（whiteout）',
  whiteoutNote: 'c 0,0：隐藏下层的同名项',
  opaque: '不透明（opaque）',
  hidden: '被隐藏',
  hiddenBy: {
    file: (layer, path) => `被${layer}的 ${path} 隐藏`,
    whiteout: (layer, path) => `被${layer}的白障 ${path} 隐藏`,
    opaque: (layer, path) => `被${layer}的不透明目录 ${path} 隐藏`,
  },
  from: (layer) => `来自${layer}`,
  kinds: {
    file: '文件',
    directory: '目录',
    symlink: '符号链接',
    device: '设备节点',
    fifo: 'FIFO',
    socket: '套接字',
    whiteout: '白障（whiteout）',
  },
  factLayer: '层',
  factKind: '类型',
  factSize: '大小',
  factCame: '由来',
  cameCopyUp: '上拷（copy-up）：第一次写下层文件时，整个文件先被复制上来',
  cameCreated: '在这里新建；下层没有它',
  cameRenamed: '在这一层里改名而来',
  factJourney: '在每一层里',
  factOption: '挂载选项',
  factMounted: '挂载于',
  factEntries: '条目',
  factAufs: 'AUFS 的说法',
  fates: {
    seen: '看到的就是它',
    merged: '并入上面的目录',
    whiteout: '一个洞',
    hidden: '被隐藏',
    absent: '没有这个名字',
  },
  upperHelp: '写入的东西都到这里，不会到别处。',
  lowerHelp: '从不被写：要写，就先把文件上拷。',
  whiteoutHelp: '设备号 0:0 的字符设备。overlay 把它当作洞：名字没了，下层的文件还在。',
  opaqueHelp: '这个目录隐藏下层同名目录里的一切。',
  aufsUpper: '可读写分支（br=DIR=rw）',
  aufsLower: '只读分支（=ro）',
  aufsWhiteout: (name) => `名为 .wh.${name} 的文件`,
  aufsOpaque: '目录里名为 .wh..wh..opq 的文件',
  aufsCopyUp: '也叫 copy-up',
  saidMounted: (n) => `挂载了一个 ${n} 层的 overlay`,
  saidUnmounted: '卸载了一个 overlay',
  saidCopiedUp: (path) => `${path} 被上拷`,
  saidManyCopiedUp: (n) => `${n} 个文件被上拷`,
  saidWhiteout: (path) => `${path} 有了白障`,
  saidManyWhiteouts: (n) => `${n} 个名字有了白障`,
  saidNew: (path) => `上层新增 ${path}`,
  saidManyNew: (n) => `上层新增 ${n} 项`,
  saidGone: (path) => `${path} 离开了上层`,
  saidManyGone: (n) => `${n} 项离开了上层`,
};

export function layerStrings(lang: Lang): LayerStrings {
  return lang === 'zh' ? zh : en;
}

/** `upper`, `lower 1`: what a layer is called wherever it is spoken of. */
export function layerName(
  layers: readonly { readonly role: 'upper' | 'lower' }[],
  index: number,
  lang: Lang,
): string {
  const words = layerStrings(lang);
  const first = layers[0]?.role === 'upper' ? 1 : 0;
  return index < first ? words.upper : words.lower(index - first + 1);
}

/** `U`, `1`, `2`: the same on a chip. */
export function layerLetter(
  layers: readonly { readonly role: 'upper' | 'lower' }[],
  index: number,
): string {
  const first = layers[0]?.role === 'upper' ? 1 : 0;
  return index < first ? 'U' : String(index - first + 1);
}

/** `12 B`, `3.4 KiB`, `32 MiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`;
}

/** `26 ms`, `1.4 s`, `< 0.1 ms`. */
export function timeText(milliseconds: number): string {
  if (milliseconds < 0.1) return '< 0.1 ms';
  if (milliseconds >= 1000) return `${Math.round(milliseconds / 100) / 10} s`;
  return `${milliseconds >= 10 ? Math.round(milliseconds) : milliseconds} ms`;
}
