/**
 * Reads netlink messages back: the kernel's answers and dumps, and in tests what we send. Strict
 * about lengths: a message that ends too early is an error, never half a result.
 */
import { NLA_TYPE_MASK, NLM_F, NLMSG, NLMSG_HEADER_BYTES, NLMSGERR_ATTR } from './constants.js';

/** One message as it came from (or goes to) the kernel. */
export interface DecodedMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** of an event: the port id of whoever asked for the change, 0 where that is not said */
  readonly portId: number;
  /** what follows the netlink header: the family's struct, then attributes */
  readonly body: Uint8Array;
}

/** What NLMSG_ERROR says. */
export interface Answer {
  /** 0 when the request was carried out */
  readonly errno: number;
  /** sequence number of the request that it answers */
  readonly sequence: number;
  /** type of that request */
  readonly type: number;
  /** the kernel's own words, where it has some */
  readonly message: string | null;
}

/** Splits a datagram into messages. @throws Error when a length leads out of it */
export function decodeMessages(bytes: Uint8Array): DecodedMessage[] {
  const messages: DecodedMessage[] = [];
  for (let at = 0; at + NLMSG_HEADER_BYTES <= bytes.length; ) {
    const view = viewOf(bytes.subarray(at));
    const length = view.getUint32(0, true);
    if (length < NLMSG_HEADER_BYTES || at + length > bytes.length)
      throw new Error(`netlink message of ${length} bytes at byte ${at} of ${bytes.length}`);
    messages.push({
      type: view.getUint16(4, true),
      flags: view.getUint16(6, true),
      sequence: view.getUint32(8, true),
      portId: view.getUint32(12, true),
      body: bytes.subarray(at + NLMSG_HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The attributes of a message behind its fixed struct, or those inside an attribute. */
export class Attributes {
  /** in the order of the message; a type may come more than once (NFTA_LIST_ELEM) */
  readonly list: readonly { readonly type: number; readonly payload: Uint8Array }[];

  /** @throws Error when a length leads out of the bytes */
  constructor(bytes: Uint8Array, skip = 0) {
    const list: { type: number; payload: Uint8Array }[] = [];
    for (let at = skip; at + 4 <= bytes.length; ) {
      const view = viewOf(bytes.subarray(at));
      const length = view.getUint16(0, true);
      if (length < 4 || at + length > bytes.length)
        throw new Error(`netlink attribute of ${length} bytes at byte ${at} of ${bytes.length}`);
      const type = view.getUint16(2, true) & NLA_TYPE_MASK;
      list.push({ type, payload: bytes.subarray(at + 4, at + length) });
      at += aligned(length);
    }
    this.list = list;
  }

  bytes(type: number): Uint8Array | undefined {
    return this.list.find((one) => one.type === type)?.payload;
  }

  /** @returns the string without its NUL */
  text(type: number): string | undefined {
    const bytes = this.bytes(type);
    return bytes && new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
  }

  u8(type: number): number | undefined {
    return this.bytes(type)?.[0];
  }

  /** rtnetlink's integers */
  u32(type: number): number | undefined {
    const bytes = this.bytes(type);
    return bytes && viewOf(bytes).getUint32(0, true);
  }

  /** nf_tables' integers */
  be32(type: number): number | undefined {
    const bytes = this.bytes(type);
    return bytes && viewOf(bytes).getUint32(0, false);
  }

  be64(type: number): bigint | undefined {
    const bytes = this.bytes(type);
    return bytes && viewOf(bytes).getBigUint64(0, false);
  }

  /** The attributes inside one; none when it is not there. */
  nested(type: number): Attributes {
    return new Attributes(this.bytes(type) ?? new Uint8Array());
  }

  /** Those of every attribute of a list. */
  each(type: number): Attributes[] {
    return this.list
      .filter((one) => one.type === type)
      .map(({ payload }) => new Attributes(payload));
  }
}

/**
 * Reads the answer to a request.
 *
 * @returns null when the datagram is none
 */
export function decodeAnswer(datagram: Uint8Array): Answer | null {
  const [message] = decodeMessages(datagram);
  if (message?.type !== NLMSG.NLMSG_ERROR) return null;
  // struct nlmsgerr { int error; struct nlmsghdr msg; }, then, if not capped, the request's body
  const view = viewOf(message.body);
  const capped = (message.flags & NLM_F.NLM_F_CAPPED) !== 0;
  const requestBytes = capped ? NLMSG_HEADER_BYTES : aligned(view.getUint32(4, true));
  const hasWords = (message.flags & NLM_F.NLM_F_ACK_TLVS) !== 0;
  const words = hasWords ? new Attributes(message.body, 4 + requestBytes) : undefined;
  return {
    errno: Math.abs(view.getInt32(0, true)), // 0 - 0 would be -0
    type: view.getUint16(8, true),
    sequence: view.getUint32(12, true),
    message: words?.text(NLMSGERR_ATTR.NLMSGERR_ATTR_MSG) ?? null,
  };
}

/** A DataView over exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
