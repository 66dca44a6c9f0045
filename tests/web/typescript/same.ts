/** docs/client.md has every public type as it is: `documented.ts` is its reference. */

import type * as Client from 'tokensvc-live';
import type * as Documented from './documented.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The names of members that only one of the two has, or that differ. */
type Differences<A, B> = {
  [Name in keyof A | keyof B]-?: Name extends keyof A & keyof B ? (Same<A[Name], B[Name]> extends true ? never : Name) : Name;
}[keyof A | keyof B];

/** Compiles only if there are none; the error names them. */
type None<_Differences extends never> = true;

/** Generic methods are compared by their use, in everything.ts. */
type Generic = 'on' | 'handleTool' | 'addEventListener' | 'removeEventListener';

export type Checks = [
  None<Differences<Omit<Documented.LiveSession, Generic>, Omit<Client.LiveSession, Generic>>>,
  None<Exclude<keyof Client.LiveSession, keyof Documented.LiveSession>>,
  None<Differences<ConstructorParameters<typeof Documented.LiveSession>[0], ConstructorParameters<typeof Client.LiveSession>[0]>>,
  None<Differences<Documented.SessionEvents, Client.SessionEvents>>,
  None<Differences<Documented.StartOptions, Client.StartOptions>>,
  None<Differences<Documented.DeviceOptions, Client.DeviceOptions>>,
  None<Differences<Documented.Snapshot, Client.Snapshot>>,
  None<Differences<Documented.Utterance, Client.Utterance>>,
  None<Differences<Documented.Tokens, Client.Tokens>>,
  None<Differences<Documented.Devices, Client.Devices>>,
  None<Differences<Documented.InUse, Client.InUse>>,
  None<Differences<Documented.ToolCall, Client.ToolCall>>,
  None<Differences<Documented.ToolOptions, Client.ToolOptions>>,
  None<Differences<Documented.Schema, Client.Schema>>,
  None<Differences<Documented.Features, Client.Features>>,
  None<Differences<Documented.Grant, Client.Grant>>,
  None<Differences<Documented.LiveError, Client.LiveError>>,
  None<Exclude<Documented.LiveErrorCode, Client.LiveErrorCode>>,
  None<Exclude<Client.LiveErrorCode, Documented.LiveErrorCode>>,
  None<Exclude<Documented.State, Client.State>>,
  None<Exclude<Client.State, Documented.State>>,
];
