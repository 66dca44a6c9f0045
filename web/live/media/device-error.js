/** Loads the explanation of a device error only when there is one. */

import { importOrFail } from '../errors.js';

/**
 * @param {import('./media-errors.js').Device} device that could not be opened
 * @param {unknown} cause
 * @returns {Promise<import('../errors.js').LiveError>}
 */
export async function deviceError(device, cause) {
  return (await importOrFail(import('./media-errors.js'))).mediaError(device, cause);
}
