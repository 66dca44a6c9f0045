/**
 * Tests, from the page that it runs in, whether a conversation with a service can be held there, and says what to mend.
 *
 * On the service's own page it is under “Doctor”. On a page of any other site it is one line in the browser's console:
 * `console.table(await (await import('https://tokens.example.com/embed/doctor.js')).examine())`
 */

import { CHECKS, Fault } from './checks.js';
import { Violations } from './violations.js';

/** Where we were loaded from; a release has a folder of its own below the service's address. */
const HOME = import.meta.url.replace(/(assets\/[^/]+\/)?embed\/doctor\.js$/, '');

/**
 * @typedef {object} Finding
 * @property {string} check what was tested
 * @property {'ok' | 'fault' | 'untested'} result `untested`: an earlier fault is in the way
 * @property {string} sentence what was found; for a fault, what mends it
 */

/**
 * @typedef {object} Examination
 * @property {string | URL} [service] the address that the service's own addresses are relative to
 * @property {string} [profile]
 * @property {import('../live/token-source.js').GetCredential} [getCredential] a JWT of the site; without, a guest's view
 * @property {(finding: Finding) => void} [found] told each finding as soon as there is one
 */

/**
 * Opens one conversation and ends it at once: that takes one token, and gives its place back.
 * @param {Examination} [examination]
 * @returns {Promise<Finding[]>} one for each check, in their order
 */
export async function examine({ service = HOME, profile, getCredential, found = () => {} } = {}) {
  const violations = new Violations();
  const patient = { service: new URL(service, document.baseURI), profile: profile ?? 'default', getCredential, violations, grant: null };
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Set<string>} */
  const failed = new Set();
  try {
    for (const check of CHECKS) {
      const obstacle = check.needs.find((needed) => failed.has(needed));
      const finding = obstacle ? untested(check.name, obstacle) : await examined(check, patient);
      if (finding.result !== 'ok') failed.add(check.name);
      findings.push(finding);
      found(finding);
    }
  } finally {
    violations.forget();
  }
  return findings;
}

/**
 * @param {import('./checks.js').Check} check
 * @param {import('./checks.js').Patient} patient
 * @returns {Promise<Finding>}
 */
async function examined({ name, examine: look }, patient) {
  try {
    return { check: name, result: 'ok', sentence: await look(patient) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { check: name, result: 'fault', sentence: error.message };
  }
}

/** @param {string} check @param {string} obstacle @returns {Finding} */
function untested(check, obstacle) {
  return { check, result: 'untested', sentence: `Mend “${obstacle}” first; then this can be tested.` };
}
