'use client';

/** The React binding: a session for a part of the page, and hooks that render with it. React 18 and 19. */

import { createContext, createElement, useContext, useEffect, useInsertionEffect, useRef, useState, useSyncExternalStore } from 'react';
import { LiveSession } from '../live/session.js';
import { SessionStore } from './session-store.js';

/** @typedef {import('../live/session.js').Utterance} Utterance */
/** @typedef {import('../live/session.js').Schema} Schema */
/** @typedef {import('../live/session.js').ToolOptions} ToolOptions */
/** @typedef {import('./session-store.js').Status} Status */
/** @typedef {import('./jsx.js').LiveAgentProps} LiveAgentProps */

/** @typedef {ConstructorParameters<typeof LiveSession>[0]} SessionOptions */
/** @typedef {Status & {session: LiveSession}} Live */
/** @typedef {{session: LiveSession, store: SessionStore}} Provided */

const Context = createContext(/** @type {Provided | null} */ (null));

/**
 * Provides one session to the components inside, and ends its conversation when it is unmounted. Opens nothing by
 * itself. The options are those of the first render, except for `getCredential`: to change others, give the provider
 * another `key`.
 * @param {SessionOptions & {children?: import('react').ReactNode}} props
 * @returns {import('react').FunctionComponentElement<import('react').ProviderProps<Provided | null>>}
 */
export function LiveProvider({ children, getCredential, ...options }) {
  const latest = useLatest(getCredential);
  const [provided] = useState(() => {
    const session = new LiveSession({ ...options, getCredential: (situation) => latest.current?.(situation) ?? null });
    return { session, store: new SessionStore(session) };
  });
  useEffect(() => () => provided.session.close(), [provided]);
  return createElement(Context.Provider, { value: provided }, children);
}

/**
 * Renders again when anything but the transcript changes.
 * @returns {Live}
 * @throws {Error} outside of a `<LiveProvider>`
 */
export function useLiveSession() {
  const { session, store } = useProvided('useLiveSession');
  return { session, ...useSyncExternalStore(store.subscribe, store.getStatus, store.getStatus) };
}

/**
 * Renders again when something is said, at most once a frame.
 * @returns {readonly Utterance[]} of this conversation or the last one, oldest first
 * @throws {Error} outside of a `<LiveProvider>`
 */
export function useTranscript() {
  const { store } = useProvided('useTranscript');
  return useSyncExternalStore(store.subscribe, store.getTranscript, store.getTranscript);
}

/**
 * Handles the calls of a tool that the token declares, with the function of the latest render, until it is unmounted.
 * @template {Schema} [const S={}]
 * @param {string} name
 * @param {import('../live/session.js').Tool<{} extends S ? any : import('../live/session.js').Described<S>>} tool
 * @param {ToolOptions & {schema?: S}} [options]
 * @throws {Error} outside of a `<LiveProvider>`
 */
export function useTool(name, tool, options = {}) {
  const { session } = useProvided('useTool');
  const latest = useLatest(tool);
  // The options are usually another object in each render, with the same content.
  const content = JSON.stringify(options);
  useEffect(
    () => session.handleTool(name, (args, call) => latest.current(args, call), JSON.parse(content)),
    [session, name, content, latest],
  );
}

/** @param {string} hook @returns {Provided} */
function useProvided(hook) {
  const provided = useContext(Context);
  if (provided === null) throw new Error(`${hook}() needs a <LiveProvider> around the component that calls it.`);
  return provided;
}

/** @template Value @param {Value} value @returns {{current: Value}} what the latest render that was shown had */
function useLatest(value) {
  const latest = useRef(value);
  // The first effect of a commit: whoever sees the page also meets what belongs to it.
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
