/**
 * What the OCI runtime-spec calls the state of a container: printed by `state`, given to hooks.
 * @see https://github.com/opencontainers/runtime-spec/blob/v1.3.0/runtime.md#state
 */

/** `paused` is the runtimes' addition to the standard's four. */
export type ContainerStatus = 'creating' | 'created' | 'running' | 'stopped' | 'paused';

/** The state as JSON; `pid` is absent once stopped. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: ContainerStatus;
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
