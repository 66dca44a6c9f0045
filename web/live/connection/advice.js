/** Tells the developer of a page, in the console, how to find out why a conversation could not start. */

// What the site has to fix; everything else is the visitor's, or temporary.
const TO_FIX = new Set(['authentication-required', 'profile-not-allowed', 'invalid-token', 'invalid-request', 'origin-not-allowed', 'request-refused']);

/**
 * Warns once for each refusal. A service that does not list the page's origin cannot be told from one that is out of
 * reach: a browser hides its answer.
 * @param {string | URL | Function} source of tokens; nothing is known of a page's own function
 * @param {{profile?: string}} request
 * @param {import('../errors.js').LiveError} error
 */
export function advise(source, { profile }, { code, message }) {
  if (typeof source === 'function') return;
  const address = new URL(source, globalThis.document?.baseURI);
  const hidden = code === 'token-service-unreachable' && address.origin !== globalThis.location?.origin && globalThis.navigator?.onLine !== false;
  if (!hidden && !TO_FIX.has(code)) return;
  const found = hidden ? `no readable answer; does the service list ${globalThis.location?.origin} in origins under [http]?` : `${code}: ${message}`;
  const doctor = JSON.stringify(address.href.replace(/[^/]*$/, 'embed/doctor.js'));
  const examination = profile === undefined ? '' : JSON.stringify({ profile });
  console.warn(`POST ${address.href}: ${found} To find out, run here: console.table(await (await import(${doctor})).examine(${examination}))`);
}
