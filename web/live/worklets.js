/** Loads the two audio worklets; they are files of their own, for a strict policy allows no others. */

import { LiveError } from './errors.js';

/**
 * @param {AudioContext} context
 * @param {'capture' | 'playback'} name
 * @throws {LiveError} `page-incomplete`
 */
export async function loadWorklet(context, name) {
  try {
    await context.audioWorklet.addModule(new URL(`./${name}-worklet.js`, import.meta.url));
  } catch (cause) {
    const sentence = 'A part of this page could not be loaded. Check your network and try again.';
    throw new LiveError('page-incomplete', sentence, { retryable: true, cause });
  }
}
