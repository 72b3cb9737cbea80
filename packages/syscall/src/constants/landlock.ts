/**
 * Kernel constants of landlock(7), up to Linux 6.7's ABI 4. From <linux/landlock.h>; a kernel says
 * how many of them it knows (landlock_create_ruleset with LANDLOCK_CREATE_RULESET_VERSION).
 */
import type { ConstantTable } from '../constants.js';

/** landlock_create_ruleset(2) flags */
export const LANDLOCK_CREATE = {
  LANDLOCK_CREATE_RULESET_VERSION: 0x1,
  LANDLOCK_CREATE_RULESET_ERRATA: 0x2,
} as const satisfies ConstantTable;

/** landlock_add_rule(2) types of rules */
export const LANDLOCK_RULE = {
  LANDLOCK_RULE_PATH_BENEATH: 1,
  LANDLOCK_RULE_NET_PORT: 2,
} as const satisfies ConstantTable;

/** rights on files and directories */
export const LANDLOCK_ACCESS_FS = {
  LANDLOCK_ACCESS_FS_EXECUTE: 0x1,
  LANDLOCK_ACCESS_FS_WRITE_FILE: 0x2,
  LANDLOCK_ACCESS_FS_READ_FILE: 0x4,
  LANDLOCK_ACCESS_FS_READ_DIR: 0x8,
  LANDLOCK_ACCESS_FS_REMOVE_DIR: 0x10,
  LANDLOCK_ACCESS_FS_REMOVE_FILE: 0x20,
  LANDLOCK_ACCESS_FS_MAKE_CHAR: 0x40,
  LANDLOCK_ACCESS_FS_MAKE_DIR: 0x80,
  LANDLOCK_ACCESS_FS_MAKE_REG: 0x100,
  LANDLOCK_ACCESS_FS_MAKE_SOCK: 0x200,
  LANDLOCK_ACCESS_FS_MAKE_FIFO: 0x400,
  LANDLOCK_ACCESS_FS_MAKE_BLOCK: 0x800,
  LANDLOCK_ACCESS_FS_MAKE_SYM: 0x1000,
  LANDLOCK_ACCESS_FS_REFER: 0x2000,
  LANDLOCK_ACCESS_FS_TRUNCATE: 0x4000,
} as const satisfies ConstantTable;

/** rights on TCP ports */
export const LANDLOCK_ACCESS_NET = {
  LANDLOCK_ACCESS_NET_BIND_TCP: 0x1,
  LANDLOCK_ACCESS_NET_CONNECT_TCP: 0x2,
} as const satisfies ConstantTable;
