/**
 * The titles of both courses, as planned. Whether a lesson exists is not said here: a lesson is
 * there when its folder is (content/lessons.ts).
 */
import type { LocalText } from '@terrarium/lesson';

export type CourseId = 'containers' | 'kubernetes';

export interface PlannedLesson {
  readonly number: string;
  readonly title: LocalText;
}

/** Both courses in order. */
export const CURRICULUM: Readonly<Record<CourseId, readonly PlannedLesson[]>> = {
  containers: plan([
    ['A container is a process', '容器就是进程'],
    ['Eight namespaces', '八种命名空间'],
    ['Control groups', '控制组'],
    ['Isolation has limits', '隔离是有边界的'],
    ['Nothing changes until you mount', '不挂载，什么都不变'],
    ['chroot, and why pivot_root', 'chroot，以及为什么要 pivot_root'],
    ['The rootfs is the image', 'rootfs 就是镜像'],
    ['Union mounts', '联合挂载'],
    ['Image layers', '镜像的层'],
    ['Commit and push', '提交与推送'],
    ['Write your own docker run', '写一个自己的 docker run'],
    ['The fence', '围栏'],
  ]),
  kubernetes: plan([
    ['From container to container cloud', '从容器到容器云'],
    ['kubelet, CRI, OCI', 'kubelet、CRI 与 OCI'],
    ['Pod', 'Pod'],
    ['Declarative API', '声明式 API'],
    ['Deployment', 'Deployment'],
    ['Service', 'Service'],
    ['Job, CronJob, DaemonSet', 'Job、CronJob 与 DaemonSet'],
    ['Secret, ConfigMap, HPA', 'Secret、ConfigMap 与 HPA'],
    ['CNI, CSI, Device Plugin', 'CNI、CSI 与设备插件'],
    ['One kubectl apply, down to the inode', '一次 kubectl apply，直到 inode'],
  ]),
};

function plan(titles: readonly (readonly [string, string])[]): PlannedLesson[] {
  return titles.map(([en, zh], index) => ({
    number: String(index + 1).padStart(2, '0'),
    title: { en, zh },
  }));
}
