/** A command that failed: the message is one sentence for stderr, empty when all has been said. */
export class CommandFailure extends Error {}
