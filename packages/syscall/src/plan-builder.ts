/**
 * PlanBuilder: the one place where plans are put together. Runs in the daemon or in a test, needs
 * no privilege: it only makes data. Whoever writes a plan says each call once, in man page order;
 * the builder makes the memory blocks, numbers the slots and writes the strace-like display.
 */
import type {
  Ack,
  Argument,
  Block,
  Call,
  Load,
  Part,
  Plan,
  PlanStep,
  ProcessName,
  Purpose,
  Slot,
} from './plan.js';

/** A number together with the way a person writes it: `{ value: 0x4000n, display: 'MS_REC' }`. */
export interface Shown {
  readonly value: bigint;
  readonly display: string;
}

/** What may stand for an argument: numbers as they are, strings as C strings, slots, blocks. */
export type ArgumentInput = number | bigint | string | Slot | Shown | Block | Argument;

/** One field of a struct: an integer of `width` bytes, a slot, an address or literal bytes. */
export type Field =
  | readonly [value: number | bigint | Shown, width: 1 | 2 | 4 | 8]
  | readonly [slot: Slot, width: 4 | 8]
  | { readonly pointer: Block }
  | Uint8Array;

/** What `PlanBuilder.call` takes; everything but the first three is optional, as in Call. */
export interface CallInput {
  /** man page name */
  readonly syscall: string;
  readonly args: readonly ArgumentInput[];
  readonly purpose: Purpose;
  /** made from the arguments when not given */
  readonly display?: string;
  readonly store?: Slot;
  readonly loads?: readonly Load[];
  /** errno numbers after which the plan goes on */
  readonly tolerate?: readonly number[];
  /** a smaller result counts as failure */
  readonly atLeast?: number;
  /** where the block that the call filled holds the real answer: netlink's errno */
  readonly ack?: Ack;
  /** clone3 only: the process whose list the child continues with */
  readonly child?: ProcessName;
  readonly reportBlock?: Block;
}

/** Collects the system calls of a plan, process by process. */
export class PlanBuilder {
  readonly #name: string;
  readonly #first: ProcessName;
  readonly #processes = new Map<ProcessName, PlanStep[]>();
  #slots = 0;

  /**
   * @param name quoted in errors and logs: `sandbox lab-3`
   * @param first the process that the player forks; host root in the host's namespaces
   */
  constructor(name: string, first: ProcessName = 'outside') {
    this.#name = name;
    this.#first = first;
    this.#processes.set(first, []);
  }

  /** Allocates a register; it reads 0 until a call stores to it. */
  slot(name: string): Slot {
    return { kind: 'slot', index: this.#slots++, name };
  }

  /** Appends one system call to the list of `process`. */
  call(process: ProcessName, input: CallInput): this {
    this.#list(process).push(callOf(input));
    if (input.child !== undefined) this.#list(input.child);
    return this;
  }

  /** Appends the step that turns `process` into an init: nothing may follow it. */
  becomeInit(process: ProcessName, purpose: Purpose): this {
    this.#list(process).push({ kind: 'become-init', purpose });
    return this;
  }

  /**
   * Appends the step with which `process` leaves the run and goes on alone.
   *
   * @param lastWords register with the fd where a later failure is told
   */
  detach(process: ProcessName, purpose: Purpose, lastWords?: Slot): this {
    const words = lastWords === undefined ? {} : { lastWords };
    this.#list(process).push({ kind: 'detach', purpose, ...words });
    return this;
  }

  /** @throws Error when a process ends nowhere or starts nowhere: a slip of the plan's author */
  build(): Plan {
    const started = new Set([this.#first]);
    for (const [name, steps] of this.#processes) {
      const init = steps.findIndex((step) => step.kind === 'become-init');
      if (init !== -1 && init !== steps.length - 1) {
        throw new Error(`plan ${this.#name}: process ${name} has steps after become-init`);
      }
      if (steps.filter((step) => step.kind === 'detach').length > 1) {
        throw new Error(`plan ${this.#name}: process ${name} detaches twice`);
      }
      for (const step of steps) {
        if (step.kind !== 'call' || step.child === undefined) continue;
        if (started.has(step.child)) {
          throw new Error(`plan ${this.#name}: process ${step.child} is started twice`);
        }
        started.add(step.child);
      }
    }
    for (const name of this.#processes.keys()) {
      if (!started.has(name)) {
        throw new Error(`plan ${this.#name}: no clone3 starts process ${name}`);
      }
    }
    return {
      name: this.#name,
      first: this.#first,
      processes: Object.fromEntries(this.#processes),
      slotCount: this.#slots,
    };
  }

  #list(process: ProcessName): PlanStep[] {
    let list = this.#processes.get(process);
    if (list === undefined) {
      list = [];
      this.#processes.set(process, list);
    }
    return list;
  }
}

/**
 * Field by field: a spread of the input would copy its table of names for each call anew, and a
 * container has hundreds.
 */
function callOf(input: CallInput): Call {
  const { syscall, purpose, store, loads, tolerate, atLeast, ack, child, reportBlock } = input;
  let shown = input.display;
  const call: Writable<Call> = {
    kind: 'call',
    syscall,
    args: input.args.map(toArgument),
    purpose,
    // Made when somebody reads it: most plans are only executed, and this is half of their cost.
    get display() {
      shown ??= `${syscall}(${input.args.map(displayOf).join(', ')})`;
      return shown;
    },
  };
  if (store !== undefined) call.store = store;
  if (loads !== undefined) call.loads = loads;
  if (tolerate !== undefined) call.tolerate = tolerate;
  if (atLeast !== undefined) call.atLeast = atLeast;
  if (ack !== undefined) call.ack = ack;
  if (child !== undefined) call.child = child;
  if (reportBlock !== undefined) call.reportBlock = reportBlock;
  return call;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A number with its symbolic spelling, so that displays read `MS_REC`, not 16384. */
export function shown(value: number | bigint, display: string): Shown {
  return { value: BigInt(value), display };
}

/** The argument "how many bytes the parts of `block` came to", for write's count. */
export function lengthOf(block: Block): Argument {
  return { kind: 'length', block };
}

/** A C string: UTF-8 and a NUL. @throws Error on a NUL inside, which would cut it short */
export function cstring(text: string): Block {
  if (text.includes('\0'))
    throw new Error(`a C string cannot contain NUL: ${JSON.stringify(text)}`);
  return remembered(CSTRINGS, text, () => ({
    parts: [{ kind: 'bytes', bytes: utf8(`${text}\0`) }],
  }));
}

/** The same few hundred strings and numbers are in every plan: paths, options, fields of structs. */
const CSTRINGS = new Map<string, Block>();
const INTEGERS: Readonly<Record<1 | 2 | 4 | 8, Map<number | bigint, Part>>> = {
  1: new Map(),
  2: new Map(),
  4: new Map(),
  8: new Map(),
};
const REMEMBERED = 4096; // each some 200 bytes

/** Nobody changes a block or a part once it is made, so plans may share them. */
function remembered<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const old = known.get(key);
  if (old !== undefined) return old;
  if (known.size >= REMEMBERED) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}

/** Bytes as they are, for write(2): no NUL is added. */
export function bytes(content: string | Uint8Array): Block {
  return {
    parts: [{ kind: 'bytes', bytes: typeof content === 'string' ? utf8(content) : content }],
  };
}

/**
 * A template whose slots become decimal digits, as a C string: path`/proc/${child}/uid_map`.
 * Strings and numbers in the template are taken literally.
 */
export function path(literals: TemplateStringsArray, ...values: (Slot | string | number)[]): Block {
  return { parts: [...textParts(literals, values), { kind: 'bytes', bytes: Uint8Array.of(0) }] };
}

/** The same without the NUL, for write(2): text`${child}` with lengthOf as its count. */
export function text(literals: TemplateStringsArray, ...values: (Slot | string | number)[]): Block {
  return { parts: textParts(literals, values) };
}

/** A little-endian struct without implied padding: write paddings as fields. */
export function struct(fields: readonly Field[], size?: number): Block {
  const block = { parts: fields.map(fieldPart) };
  return size === undefined ? block : { ...block, size };
}

/** An array of addresses that ends with NULL: argv, envp. */
export function pointers(blocks: readonly Block[]): Block {
  const parts: Part[] = blocks.map((to) => ({ kind: 'pointer', to }));
  return { parts: [...parts, { kind: 'bytes', bytes: new Uint8Array(8) }] };
}

/** argv or envp from strings. */
export function stringArray(strings: readonly string[]): Block {
  return pointers(strings.map(cstring));
}

/** `size` zero bytes for the kernel to write to. */
export function scratch(size: number): Block {
  return { parts: [], size };
}

function textParts(
  literals: TemplateStringsArray,
  values: readonly (Slot | string | number)[],
): Part[] {
  const parts: Part[] = [];
  literals.forEach((literal, index) => {
    const value = values[index];
    if (literal !== '') parts.push({ kind: 'bytes', bytes: utf8(literal) });
    if (value === undefined) return;
    parts.push(
      typeof value === 'object'
        ? { kind: 'decimal', slot: value }
        : { kind: 'bytes', bytes: utf8(String(value)) },
    );
  });
  return parts;
}

function fieldPart(field: Field): Part {
  if (field instanceof Uint8Array) return { kind: 'bytes', bytes: field };
  if ('pointer' in field) return { kind: 'pointer', to: field.pointer };
  const [value, width] = field;
  if (typeof value === 'object' && 'kind' in value) {
    if (width !== 4 && width !== 8)
      throw new Error(`slot ${value.name} has 4 or 8 bytes in a struct`);
    return { kind: 'int', slot: value, width };
  }
  const number = typeof value === 'object' ? value.value : value;
  return remembered(INTEGERS[width], number, () => {
    const content = new Uint8Array(8);
    new DataView(content.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(number)), true);
    return { kind: 'bytes', bytes: content.slice(0, width) };
  });
}

function toArgument(input: ArgumentInput): Argument {
  if (typeof input === 'number' || typeof input === 'bigint') {
    return { kind: 'number', value: BigInt(input) };
  }
  if (typeof input === 'string') return { kind: 'block', block: cstring(input) };
  if ('parts' in input) return { kind: 'block', block: input };
  if ('display' in input) return { kind: 'number', value: input.value };
  if (input.kind === 'slot' && 'index' in input) return { kind: 'slot', slot: input };
  return input;
}

/** One argument as strace prints it; what only the running plan knows stands in angle brackets. */
function displayOf(input: ArgumentInput): string {
  if (typeof input === 'number' || typeof input === 'bigint') return String(input);
  if (typeof input === 'string') return JSON.stringify(input);
  if ('parts' in input) return displayBlock(input);
  if ('display' in input) return input.display;
  if (input.kind === 'slot') return 'index' in input ? `<${input.name}>` : `<${input.slot.name}>`;
  if (input.kind === 'number') return String(input.value);
  if (input.kind === 'length') return displayLength(input.block);
  return displayBlock(input.block);
}

const LATIN1 = new TextDecoder('latin1');

function displayBlock(block: Block): string {
  if (block.parts.length === 0) return '…';
  const pointed = block.parts.flatMap((part) => (part.kind === 'pointer' ? [part.to] : []));
  if (pointed.length > 0) return `[${pointed.map(displayBlock).join(', ')}]`;
  let shownText = '';
  for (const part of block.parts) {
    if (part.kind === 'decimal') shownText += `<${part.slot.name}>`;
    else if (part.kind === 'bytes') shownText += LATIN1.decode(part.bytes);
    else return '{…}';
  }
  const plain = shownText.replace(/\0$/, '');
  return hasControls(plain) ? '{…}' : JSON.stringify(decodeUtf8(plain));
}

function displayLength(block: Block): string {
  const fixed = block.parts.every((part) => part.kind === 'bytes');
  if (!fixed) return '<length>';
  return String(
    block.parts.reduce((sum, part) => sum + (part.kind === 'bytes' ? part.bytes.length : 0), 0),
  );
}

function hasControls(latin1: string): boolean {
  for (const character of latin1) {
    if (character < ' ' && !'\n\t'.includes(character)) return true;
  }
  return false;
}

function decodeUtf8(latin1: string): string {
  return new TextDecoder().decode(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));
}

const UTF8 = new TextEncoder();

function utf8(content: string): Uint8Array {
  return UTF8.encode(content);
}
