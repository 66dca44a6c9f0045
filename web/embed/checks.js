/** What the doctor looks at, in the order in which one thing needs another. */

import { Connection } from '../live/connection.js';
import { LiveError } from '../live/errors.js';
import { TokenSource } from '../live/token-source.js';
import { remedy } from './remedies.js';

/**
 * @typedef {object} Patient
 * @property {URL} service
 * @property {string} profile
 * @property {import('../live/token-source.js').GetCredential} [getCredential]
 * @property {import('./violations.js').Violations} violations
 * @property {import('../live/token-source.js').Grant | null} grant once there is one
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {string[]} needs the names of the checks without which it would say nothing
 * @property {(patient: Patient) => Promise<string>} examine what is well, or throws a Fault
 */

/** Its message says, in one sentence, what mends it. */
export class Fault extends Error {}

/** What the pages of other sites name. */
const EMBEDDED = 'widget.js';

const SECURE = 'Secure context';
const FILES = 'Files of the widget';
const POLICY = 'Content Security Policy';
const MICROPHONE = 'Microphone policy';
const ORIGIN = 'Origin of this page';
const TOKEN = 'Token';
const SOCKET = 'Voice service';

/** @type {Check[]} */
export const CHECKS = [
  { name: SECURE, needs: [], examine: secureContext },
  { name: FILES, needs: [], examine: files },
  { name: POLICY, needs: [SECURE, FILES], examine: policy },
  { name: MICROPHONE, needs: [SECURE], examine: microphone },
  { name: ORIGIN, needs: [FILES], examine: origin },
  { name: TOKEN, needs: [ORIGIN], examine: token },
  { name: SOCKET, needs: [TOKEN], examine: socket },
];

async function secureContext() {
  if (globalThis.isSecureContext) return 'Browsers give this page a microphone.';
  throw new Fault(`Serve this page by https: from ${location.origin} it gets no microphone in any browser.`);
}

/** Whether the modules can be had from here: they are CORS fetches. @param {Patient} patient */
async function files({ service, violations }) {
  const address = new URL(EMBEDDED, service);
  const answer = await fetch(address, { credentials: 'omit', cache: 'no-store' }).catch(() => null);
  if (answer === null) {
    throw new Fault(
      (await stopped(violations, service)) ??
        `Nothing that a page may read answers at ${service.origin}: start the service there, correct the address, or let ` +
          'Access-Control-Allow-Origin through the proxy in front of it.',
    );
  }
  if (answer.status === 404) {
    throw new Fault(`There is no ${address}: correct the address, or set page = true under [http] in tokensvc.toml.`);
  }
  if (!answer.ok) throw new Fault(`${address} is answered with ${answer.status}: look for the reason in the service's log.`);
  const type = answer.headers.get('Content-Type') ?? 'no type';
  if (!/^text\/javascript\b/.test(type)) {
    throw new Fault(`${address} comes as ${type}: let the proxy in front of the service pass its Content-Type on.`);
  }
  // Only to a page of the same origin does the answer show its header; to any other it would not have come without.
  if (service.origin === location.origin && answer.headers.get('Access-Control-Allow-Origin') !== '*') {
    throw new Fault('Other sites cannot load the widget: let Access-Control-Allow-Origin through the proxy in front of the service.');
  }
  return `${address.href} may be loaded by any site.`;
}

/** A worklet is what is forgotten most easily; no browser tells who has stopped one. @param {Patient} patient */
async function policy({ service }) {
  try {
    const context = new OfflineAudioContext(1, 1, 16_000);
    await context.audioWorklet.addModule(new URL('../live/capture-worklet.js', import.meta.url));
  } catch {
    throw new Fault(
      `Add ${service.origin}, with no path, to script-src of this page's Content Security Policy, and let any proxy in front of ` +
        'the service pass all its files: the sound worklet cannot be loaded.',
    );
  }
  return `Scripts, worklets and requests of ${service.origin} are let through.`;
}

async function microphone() {
  const { featurePolicy: chromium } = /** @type {{featurePolicy?: {allowsFeature(feature: string): boolean}}} */ (
    /** @type {unknown} */ (document)
  );
  if (chromium?.allowsFeature('microphone') === false) {
    throw new Fault(
      globalThis.parent === globalThis.self
        ? 'Send this page with “Permissions-Policy: microphone=(self)”: its own header takes the microphone away.'
        : 'Write allow="microphone; camera; display-capture; autoplay" into the iframe that this page is in: a frame of another site has no microphone without.',
    );
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Fault('Use a current browser: this one cannot share a microphone.');
  }
  if ((await permission()) === 'denied') {
    throw new Fault(`Allow the microphone in this browser's settings for ${location.host}: it has been refused there.`);
  }
  return chromium ? 'This page may ask for the microphone.' : 'Nothing known forbids it; only Chromium tells for certain.';
}

/** Asks for a token in a way that is refused after everything that depends on the page's origin. @param {Patient} patient */
async function origin({ service, violations }) {
  const body = JSON.stringify({ resumption_handle: 'of-no-conversation' });
  const headers = { 'Content-Type': 'application/json' };
  const address = new URL('token', service);
  const answer = await fetch(address, { method: 'POST', headers, body, credentials: 'omit', cache: 'no-store' }).catch(() => null);
  if (answer === null) {
    throw new Fault(
      (await stopped(violations, service)) ??
        `Add "${location.origin}" to origins under [http] in the service's tokensvc.toml and restart it: it does not know this site.`,
    );
  }
  const code = (await answer.json().catch(() => null))?.code;
  if (code === 'origin-not-allowed') {
    throw new Fault(
      `Set public_url = "${location.origin}" under [http] in tokensvc.toml and restart, or open this page by the address that stands there.`,
    );
  }
  if (code === undefined) throw new Fault(`${address} is not answered by the service: let the proxy in front of it pass POST on.`);
  return `Pages of ${location.origin} may ask for tokens.`;
}

/** @param {Patient} patient */
async function token(patient) {
  const { service, profile, getCredential } = patient;
  const tokens = new TokenSource(new URL('token', service), { getCredential });
  try {
    patient.grant = await tokens.grant({ profile }, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof LiveError)) throw error;
    throw new Fault(remedy(error, { profile, credential: getCredential !== undefined }));
  }
  return `“${profile}” is granted for ${new Intl.NumberFormat('en').format(patient.grant.expires_in ?? 0)} s at a time.`;
}

/** Up to `setupComplete`, which alone proves that the token was accepted. @param {Patient} patient */
async function socket({ service, grant, violations }) {
  if (grant === null) throw new TypeError('There is no token to open a socket with.');
  const { origin: place, protocol } = new URL(grant.websocket_url);
  try {
    if (protocol === 'ws:' && location.protocol === 'https:') {
      throw new Fault(`Set TOKENSVC_GEMINI_WEBSOCKET_URL to a wss address: from an https page browsers open no ${place}.`);
    }
    const began = performance.now();
    await opened(grant);
    return `${place} was ready after ${Math.round(performance.now() - began)} ms; the conversation was ended again.`;
  } catch (error) {
    if (!(error instanceof LiveError)) throw error;
    const policed = await violations.against(place);
    if (policed) throw new Fault(`Add ${place} to ${policed} of this page's Content Security Policy.`);
    if (error.code === 'connection-lost') {
      throw new Fault(`Nothing answers at ${place}: start what should, and let WebSockets through any firewall in between.`);
    }
    const told = error.close ? ` It closed with ${error.close.code}: “${error.close.reason}”.` : '';
    throw new Fault(`${error.message}${told}`);
  } finally {
    new TokenSource(new URL('token', service)).end(grant);
  }
}

/** @param {import('../live/token-source.js').Grant} grant */
async function opened(grant) {
  const connection = new Connection(grant, { hear: () => {}, ended: () => {} });
  try {
    await connection.ready;
  } finally {
    connection.close();
  }
}

/** @param {import('./violations.js').Violations} violations @param {URL} service */
async function stopped(violations, service) {
  const directive = await violations.against(service.origin);
  return directive && `Add ${service.origin} to ${directive} of this page's Content Security Policy.`;
}

async function permission() {
  try {
    return (await navigator.permissions.query({ name: 'microphone' })).state;
  } catch {
    return 'unknown'; // not every browser knows a permission by this name
  }
}
