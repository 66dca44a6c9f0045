/**
 * Tests whether a conversation with a service works on the page that it runs in, and says what to fix.
 *
 * The service's page has it under “Doctor”. On a page of another site it is one line in the browser's console:
 * `console.table(await (await import('https://tokens.example.com/embed/doctor.js')).examine())`
 */

import { CHECKS, Fault } from './checks.js';
import { Violations } from './violations.js';

/** The service's address, from that of this module; a release has a folder of its own below it. */
const HOME = import.meta.url.replace(/(assets\/[^/]+\/)?embed\/doctor\.js$/, '');

/**
 * @typedef {object} Finding
 * @property {string} check what was tested
 * @property {'ok' | 'fault' | 'untested'} result `untested`: an earlier check failed
 * @property {string} sentence what was found; for a fault, how to fix it
 */

/**
 * @typedef {object} Examination
 * @property {string | URL} [service] the base of the service's addresses
 * @property {string} [profile]
 * @property {import('../live/connection/token-source.js').GetCredential} [getCredential] a JWT of the site; without one, tests as a guest
 * @property {(finding: Finding) => void} [found] called with each finding as soon as there is one
 */

/**
 * Runs all checks. It mints one token, opens one conversation and ends it at once.
 * @param {Examination} [examination]
 * @returns {Promise<Finding[]>} one for each check that applies, in their order
 */
export async function examine({ service = HOME, profile, getCredential, found = () => {} } = {}) {
  const violations = new Violations();
  const context = { service: new URL(service, document.baseURI), profile: profile ?? 'default', getCredential, violations, grant: null };
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Set<string>} */
  const failed = new Set();
  try {
    for (const check of CHECKS) {
      const obstacle = check.needs.find((needed) => failed.has(needed));
      const finding = obstacle ? untested(check.name, obstacle) : await examined(check, context);
      if (finding === null) continue;
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
 * @param {import('./checks.js').Context} context
 * @returns {Promise<Finding | null>} null if the check does not apply
 */
async function examined({ name, examine: look }, context) {
  try {
    const sentence = await look(context);
    return sentence === null ? null : { check: name, result: 'ok', sentence };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { check: name, result: 'fault', sentence: error.message };
  }
}

/** @param {string} check @param {string} obstacle @returns {Finding} */
function untested(check, obstacle) {
  return { check, result: 'untested', sentence: `Fix “${obstacle}” first: this check depends on it.` };
}
