/** The field's terms in both languages: in Chinese each is followed by the English one at first use. */

export interface Term {
  readonly zh: string;
  readonly en: string;
}

/** Longer terms stand before those that they contain. */
export const GLOSSARY: readonly Term[] = [
  { zh: '挂载命名空间', en: 'mount namespace' },
  { zh: '命名空间', en: 'namespace' },
  { zh: '系统调用', en: 'system call' },
  { zh: '标志位', en: 'flag' },
  { zh: '进程', en: 'process' },
  { zh: '容器', en: 'container' },
  { zh: '沙箱', en: 'sandbox' },
  { zh: '挂载', en: 'mount' },
  { zh: '控制组', en: 'cgroup' },
  { zh: '镜像', en: 'image' },
  { zh: '联合挂载', en: 'union mount' },
];

/** Spellings that this project does not use in English prose, with the one that it does. */
export const SPELLINGS: readonly { readonly wrong: RegExp; readonly right: string }[] = [
  { wrong: /\bname space/i, right: 'namespace' },
  { wrong: /\bC-?groups?\b|\bcontrol-group/, right: 'cgroup' },
  { wrong: /\b[Pp]ids?\b(?! namespace| and mnt|, mnt)/, right: 'PID' },
  { wrong: /\bsyscall/i, right: 'system call' },
  { wrong: /\bfilesystem/i, right: 'file system' },
  { wrong: /\bsimply\b|\bjust\b|\bobviously\b|\bof course\b/i, right: 'nothing: leave it out' },
];
