/**
 * Between the two windows of a presentation: the one that the room sees tells where it is, the one
 * with the notes may press its keys. One channel per lesson, in one browser.
 */
import { z } from 'zod';

/** A place as another window tells it, or an earlier page has kept it. */
export const placeSchema = z.object({
  slide: z.number().int().min(0),
  at: z.number().int().min(0),
  reached: z.array(z.number()),
  insisted: z.boolean(),
});

/** Where the presentation is, and since when, by this machine's clock. */
const news = z.object({
  type: z.literal('news'),
  place: placeSchema,
  waiting: z.boolean(),
  busy: z.boolean(),
  /** null before the first press */
  startedAt: z.number().nullable(),
  slideSince: z.number(),
  /** ms that earlier visits of each slide took */
  spent: z.array(z.number()),
});
export type DemoNews = z.infer<typeof news>;

const press = z.object({ type: z.literal('press'), key: z.enum(['next', 'back']) });
const hello = z.object({ type: z.literal('hello') });
const message = z.discriminatedUnion('type', [news, press, hello]);
export type DemoMessage = z.infer<typeof message>;

/** One end of the channel. */
export interface DemoChannel {
  send(message: DemoMessage): void;
  close(): void;
}

/** Opens the channel of a lesson; what is no message of ours is not heard. */
export function openChannel(
  lesson: string,
  onMessage: (message: DemoMessage) => void,
): DemoChannel {
  const channel = new BroadcastChannel(`terrarium-demo:${lesson}`);
  channel.onmessage = (event: MessageEvent<unknown>) => {
    const parsed = message.safeParse(event.data);
    if (parsed.success) onMessage(parsed.data);
  };
  return {
    send: (one) => channel.postMessage(one),
    close: () => channel.close(),
  };
}
