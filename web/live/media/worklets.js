/** Loads the two audio worklets, from files: a strict Content Security Policy allows nothing else. */

import { importOrFail } from '../errors.js';

/**
 * @param {AudioContext} context
 * @param {'capture' | 'playback'} name
 * @throws {LiveError} `page-incomplete`
 */
export async function loadWorklet(context, name) {
  await importOrFail(context.audioWorklet.addModule(addressOf(name)));
}

/** Prefetches both. Never rejects: an error is reported when a worklet is needed. */
export async function warmWorklets() {
  const files = [addressOf('capture'), addressOf('playback')];
  await Promise.allSettled(files.map(async (file) => (await fetch(file, { credentials: 'same-origin' })).arrayBuffer()));
}

/** @param {'capture' | 'playback'} name */
const addressOf = (name) => new URL(`./${name}-worklet.js`, import.meta.url);
