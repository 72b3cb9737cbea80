/** What each field of `FIELDS` is called in a hint, in both languages. */
import { NAMESPACE_KINDS, type NamespaceKind } from '@terrarium/timeline';
import type { SubjectKind } from '../check.js';
import type { NodeKind } from '../fields.js';
import type { LocalText } from '../types.js';

/** A name in both languages. */
export function text(en: string, zh: string): LocalText {
  return { en, zh: spaced(zh) };
}

/** Air between Chinese characters and Latin words or code, which sentences put together lack. */
function spaced(zh: string): string {
  return zh
    .replace(/([\u4e00-\u9fff])([`A-Za-z0-9])/g, '$1 $2')
    .replace(/([A-Za-z0-9])([\u4e00-\u9fff])/g, '$1 $2');
}

/** Kinds of namespaces as prose writes them. */
const NAMESPACES: Readonly<Record<NamespaceKind, LocalText>> = {
  pid: text('PID namespace', 'PID 命名空间'),
  mnt: text('mount namespace', '挂载命名空间'),
  net: text('network namespace', '网络命名空间'),
  uts: text('UTS namespace', 'UTS 命名空间'),
  ipc: text('IPC namespace', 'IPC 命名空间'),
  user: text('user namespace', '用户命名空间'),
  cgroup: text('cgroup namespace', 'cgroup 命名空间'),
  time: text('time namespace', '时间命名空间'),
};

/** Kinds of objects, as in "there is no process yet". */
export const KINDS: Readonly<Record<SubjectKind, LocalText>> = {
  process: text('process', '进程'),
  namespace: text('namespace', '命名空间'),
  mount: text('mount', '挂载'),
  cgroup: text('cgroup', '控制组'),
  overlay: text('overlay', 'overlay 挂载'),
  entry: text('file in a layer', '层里的文件'),
  link: text('network interface', '网络接口'),
  listener: text('listening socket', '监听套接字'),
  call: text('system call', '系统调用'),
  command: text('command', '命令'),
};

/** By node and field. A field without a name here is written as in lesson.yaml; a test names it. */
export const LABELS: Readonly<Record<NodeKind, Readonly<Record<string, LocalText>>>> = {
  sandbox: {
    id: text('id', '编号'),
    init: text('first process', '一号进程'),
    namespaces: text('namespaces', '命名空间'),
    kernelRelease: text('kernel release', '内核版本'),
  },
  process: {
    key: text('identity', '身份'),
    parent: text('parent', '父进程'),
    hostPid: text('PID on the host', '宿主机上的 PID'),
    sandboxPid: text('PID in the sandbox', '沙箱里的 PID'),
    ownPid: text('PID in its own namespace', '自己命名空间里的 PID'),
    pids: text('PIDs from outside to inside', '从外到内的 PID'),
    comm: text('name', '名字'),
    args: text('arguments', '参数'),
    command: text('command line', '命令行'),
    state: text('state', '状态'),
    uid: text('user id', '用户 ID'),
    namespaces: text('namespaces', '命名空间'),
    cgroup: text('cgroup', '控制组'),
    terminal: text('terminal', '终端'),
    processGroup: text('process group', '进程组'),
    facts: text('facts', '其他属性'),
  },
  namespace: {
    inode: text('number', '编号'),
    kind: text('kind', '种类'),
    parent: text('parent', '父命名空间'),
    owner: text('owning user namespace', '所属的用户命名空间'),
    ofSandbox: text('the sandbox’s own', '是否为沙箱自己的'),
    ofHost: text('the host’s own', '是否为宿主机自己的'),
    members: text('processes in it', '其中的进程数'),
    holders: text('mounts and descriptors that hold it', '抓住它的挂载和文件描述符数'),
    label: text('host name', '主机名'),
  },
  mount: {
    mountId: text('mount number', '挂载编号'),
    parentId: text('number of the mount below', '上级挂载的编号'),
    device: text('device', '设备'),
    root: text('directory that it shows', '露出的目录'),
    mountPoint: text('mount point', '挂载点'),
    mountOptions: text('mount options', '挂载选项'),
    optionalFields: text('optional fields', '可选字段'),
    fsType: text('file system', '文件系统'),
    mountSource: text('source', '来源'),
    superOptions: text('options of the file system', '文件系统的选项'),
    procPidNs: text('PID namespace that it shows', '它展示的 PID 命名空间'),
    peerGroup: text('peer group', '对等组'),
    master: text('group that it receives from', '上游对等组'),
    propagation: text('propagation', '传播类型'),
    options: text('options', '选项'),
  },
  cgroup: {
    path: text('path', '路径'),
    name: text('name', '名字'),
    hierarchies: text('hierarchies', '所在层级'),
    members: text('processes in it', '其中的进程数'),
    oomKilled: text('visited by the OOM killer', '是否发生过 OOM'),
    memoryLimitBytes: text('memory limit', '内存上限'),
    memoryUsageBytes: text('memory in use', '内存用量'),
    memoryPeakBytes: text('highest memory use', '内存峰值'),
    memoryLimitHits: text('times at the memory limit', '触到内存上限的次数'),
    oomKills: text('processes that the OOM killer took', '被 OOM 杀死的进程数'),
    pidsMax: text('limit of processes', '进程数上限'),
    pidsCurrent: text('processes counted', '已计的进程数'),
    pidsRefused: text('refused forks', '被拒绝的 fork 数'),
    cpuQuotaPercent: text('CPU quota in percent', 'CPU 配额（百分比）'),
    cpuSharePercent: text('measured CPU share in percent', '实测 CPU 占用（百分比）'),
    cpuOffQuotaPoints: text('points between share and quota', '占用与配额之差（百分点）'),
    cpuPeriods: text('CPU periods', 'CPU 周期数'),
    throttledPeriods: text('throttled periods', '被限流的周期数'),
    frozen: text('frozen', '是否冻结'),
    frozenMembers: text('frozen processes', '被冻结的进程数'),
  },
  overlay: {
    key: text('device', '设备'),
    ofSandbox: text('the sandbox’s own', '是否为沙箱自己的'),
    layers: text('layers', '层数'),
    lowerLayers: text('lower layers', '下层的层数'),
    upperDir: text('upper directory', '上层目录'),
    mountPoints: text('mount points', '挂载点'),
  },
  entry: {
    path: text('path in its layer', '层内路径'),
    name: text('name', '名字'),
    layer: text('layer', '层'),
    role: text('kind of layer', '层的种类'),
    dir: text('directory of the layer', '层的目录'),
    kind: text('kind', '种类'),
    size: text('size in bytes', '大小（字节）'),
    opaque: text('opaque', '是否不透明'),
    came: text('how it came there', '怎么来的'),
  },
  link: {
    netNs: text('network namespace', '网络命名空间'),
    index: text('number', '编号'),
    name: text('name', '名字'),
    kind: text('kind', '种类'),
    up: text('up', '是否启用'),
    flags: text('flags', '标志位'),
    mtu: text('MTU', 'MTU'),
    mac: text('MAC address', 'MAC 地址'),
    master: text('number of its bridge', '所属网桥的编号'),
    hasPeer: text('has another end', '是否有另一端'),
    peerNetNs: text('network namespace of the other end', '另一端的网络命名空间'),
    addresses: text('addresses', '地址'),
  },
  listener: {
    netNs: text('network namespace', '网络命名空间'),
    protocol: text('protocol', '协议'),
    address: text('address', '地址'),
    port: text('port', '端口'),
    process: text('process', '进程'),
  },
  call: {
    seq: text('number', '编号'),
    process: text('caller', '调用者'),
    name: text('name', '名字'),
    args: text('arguments', '参数'),
    result: text('result', '返回值'),
    errno: text('error', '错误'),
    took: text('duration in milliseconds', '耗时（毫秒）'),
  },
  command: {
    id: text('number', '编号'),
    line: text('line', '命令'),
    process: text('shell', '所在的 shell'),
    running: text('still running', '是否还在运行'),
    exitCode: text('exit code', '退出码'),
  },
  facts: {
    root: text('root directory', '根目录'),
    cwd: text('working directory', '工作目录'),
    seccomp: text('seccomp mode', 'seccomp 模式'),
    noNewPrivs: text('no new privileges', '禁止获得新特权'),
    capabilities: text('capabilities', '权能'),
    oomScoreAdj: text('OOM score adjustment', 'OOM 分数调整'),
  },
  capabilities: {
    effective: text('effective capabilities', '有效权能'),
    permitted: text('permitted capabilities', '允许权能'),
    bounding: text('bounding capabilities', '边界权能'),
  },
  namespaces: Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, NAMESPACES[kind]])),
  uid: {
    outside: text('user id outside of the sandbox', '沙箱外的用户 ID'),
    inside: text('user id inside', '里面的用户 ID'),
  },
};
