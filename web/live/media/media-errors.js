/** Explains why a device could not be opened, as precisely as browsers tell; loaded when one could not. */

import { LiveError } from '../errors.js';

/** @typedef {import('../errors.js').Device} Device */

/** The Permissions Policy feature for each device. */
const POLICY = { microphone: 'microphone', camera: 'camera', screen: 'display-capture', speaker: 'speaker-selection' };

/**
 * @param {Device} device
 * @returns {LiveError | null} what is known before the person is asked
 */
export function obstacle(device) {
  const offered = {
    microphone: () => navigator.mediaDevices?.getUserMedia,
    camera: () => navigator.mediaDevices?.getUserMedia,
    screen: () => navigator.mediaDevices?.getDisplayMedia,
    speaker: () => globalThis.AudioContext && 'setSinkId' in AudioContext.prototype,
  };
  if (!globalThis.isSecureContext) {
    return new LiveError('insecure-page', `The ${device} needs a secure connection. Open this page over HTTPS.`);
  }
  if (offered[device]()) return null;
  const sentence =
    device === 'speaker'
      ? 'This browser cannot choose a speaker. Choose it in the system settings.'
      : `This browser cannot share the ${device}. Please try another browser.`;
  return new LiveError(`${device}-unsupported`, sentence);
}

/**
 * @param {Device} device
 * @param {unknown} cause what `getUserMedia`, `getDisplayMedia` or `setSinkId` rejected with (Media Capture and Streams, 10.2)
 * @returns {LiveError}
 */
export function mediaError(device, cause) {
  const known = obstacle(device);
  if (known) return known;
  // Not every browser throws a DOMException.
  const name = cause instanceof Object && 'name' in cause ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return refusal(device, cause);
  if (name === 'NotFoundError' || name === 'OverconstrainedError') {
    const sentence = `No ${device} was found. Connect one and try again.`;
    return new LiveError(`${device}-missing`, sentence, { retryable: true, cause });
  }
  const sentence = `The ${device} is unavailable. Another program may be using it: close that and try again.`;
  return new LiveError(`${device}-busy`, sentence, { retryable: true, cause });
}

/** @param {Device} device @param {unknown} cause */
function refusal(device, cause) {
  // Only Chromium tells whether the person refused or the embedding page's policy.
  const policy = /** @type {{featurePolicy?: {allowsFeature(feature: string): boolean}}} */ (
    /** @type {unknown} */ (document)
  ).featurePolicy;
  if (policy?.allowsFeature(POLICY[device]) === false) {
    const owner = globalThis.top === globalThis.self ? 'This site' : 'The page that embeds this one';
    const sentence = `${owner} does not allow the ${device}. Please contact the site owner.`;
    return new LiveError(`${device}-forbidden`, sentence, { cause });
  }
  if (device === 'screen') {
    return new LiveError('screen-refused', 'The screen was not shared.', { retryable: true, cause });
  }
  const sentence = `Access to the ${device} was denied. Allow it for this site in the browser's settings and try again.`;
  return new LiveError(`${device}-refused`, sentence, { retryable: true, cause });
}
