/** Loads the two audio worklets; they are files of their own, for a strict policy allows no others. */

import { loaded } from './errors.js';

/**
 * @param {AudioContext} context
 * @param {'capture' | 'playback'} name
 * @throws {LiveError} `page-incomplete`
 */
export async function loadWorklet(context, name) {
  await loaded(context.audioWorklet.addModule(addressOf(name)));
}

/** Has the browser keep both at hand. Never rejects: what fails now is said when it is needed. */
export async function warmWorklets() {
  const files = [addressOf('capture'), addressOf('playback')];
  await Promise.allSettled(files.map(async (file) => (await fetch(file, { credentials: 'same-origin' })).arrayBuffer()));
}

/** @param {'capture' | 'playback'} name */
const addressOf = (name) => new URL(`./${name}-worklet.js`, import.meta.url);
