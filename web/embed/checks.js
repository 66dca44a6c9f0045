/** The doctor's checks, in the order of their dependencies. */

import { Connection } from '../live/connection/connection.js';
import { TokenSource, problem } from '../live/connection/token-source.js';
import { LiveError } from '../live/errors.js';
import { notListed, remedy } from './remedies.js';

/**
 * @typedef {object} Context
 * @property {URL} service
 * @property {string} profile
 * @property {import('../live/connection/token-source.js').GetCredential} [getCredential]
 * @property {import('./violations.js').Violations} violations
 * @property {import('../live/connection/token-source.js').Grant | null} grant set by the token check
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {string[]} needs names of the checks that have to pass first
 * @property {(context: Context) => Promise<string | null>} examine returns what is in order, or null if the check does not
 *   apply, or throws a Fault
 */

/** Its message says, in one sentence, how to fix it. */
export class Fault extends Error {}

/** The module that other sites embed. */
const EMBEDDED = 'widget.js';

const SECURE = 'Secure context';
const FILES = 'Widget files';
const POLICY = 'Content Security Policy';
const MICROPHONE = 'Microphone policy';
const ORIGIN = 'Page origin';
const PROFILE = 'Profile';
const TOKEN = 'Token';
const SOCKET = 'Voice service';
const SUGGESTIONS = 'Search Suggestions';
const FRAME_LIMIT_MS = 5000;

/** @type {Check[]} */
export const CHECKS = [
  { name: SECURE, needs: [], examine: secureContext },
  { name: FILES, needs: [], examine: files },
  { name: POLICY, needs: [SECURE, FILES], examine: policy },
  { name: MICROPHONE, needs: [SECURE], examine: microphone },
  { name: ORIGIN, needs: [FILES], examine: origin },
  { name: PROFILE, needs: [ORIGIN], examine: openProfile },
  { name: TOKEN, needs: [ORIGIN, PROFILE], examine: token },
  { name: SOCKET, needs: [TOKEN], examine: socket },
  // Without a token it is not known to apply.
  { name: SUGGESTIONS, needs: [], examine: suggestions },
];

async function secureContext() {
  if (globalThis.isSecureContext) return 'This page is secure: browsers let it ask for a microphone.';
  throw new Fault(`Serve this page over HTTPS: browsers do not allow a microphone on ${location.origin}.`);
}

/** Whether the modules can be loaded from here: they are CORS fetches. @param {Context} context */
async function files({ service, violations }) {
  const address = new URL(EMBEDDED, service);
  const answer = await fetch(address, { credentials: 'omit', cache: 'no-store' }).catch(() => null);
  if (answer === null) {
    throw new Fault(
      (await blocked(violations, service)) ??
        `No readable response from ${service.origin}: start the service there, correct the address, or make the proxy in front of ` +
          'it pass the Access-Control-Allow-Origin header.',
    );
  }
  if (answer.status === 404) {
    throw new Fault(`${address} was not found: correct the address, or set page = true under [http] in tokensvc.toml.`);
  }
  if (!answer.ok) throw new Fault(`${address} answered with ${answer.status}: look for the reason in the service's log.`);
  const type = answer.headers.get('Content-Type') ?? 'no type';
  if (!/^text\/javascript\b/.test(type)) {
    throw new Fault(`${address} was served as ${type}: make the proxy in front of the service keep the Content-Type header.`);
  }
  // Checked only on the same origin, where the header is readable; elsewhere the fetch fails without it.
  if (service.origin === location.origin && answer.headers.get('Access-Control-Allow-Origin') !== '*') {
    throw new Fault('Make the proxy in front of the service pass the Access-Control-Allow-Origin header: without it other sites cannot load the widget.');
  }
  return `Any site can load ${address.href}.`;
}

/** Loads the worklet, which is forgotten most easily; no browser tells what blocked one. @param {Context} context */
async function policy({ service }) {
  try {
    const context = new OfflineAudioContext(1, 1, 16_000);
    await context.audioWorklet.addModule(new URL('../live/media/audio-worklet.js', import.meta.url));
  } catch {
    throw new Fault(
      `Add ${service.origin}, without a path, to script-src of this page's Content Security Policy, and make any proxy in front ` +
        'of the service pass all of its files: the audio worklet could not be loaded.',
    );
  }
  return `Scripts and the worklet from ${service.origin}, and requests to it, are allowed.`;
}

async function microphone() {
  const { featurePolicy: chromium } = /** @type {{featurePolicy?: {allowsFeature(feature: string): boolean}}} */ (
    /** @type {unknown} */ (document)
  );
  if (chromium?.allowsFeature('microphone') === false) {
    throw new Fault(
      globalThis.parent === globalThis.self
        ? 'Send this page with “Permissions-Policy: microphone=(self)”: its own header forbids the microphone.'
        : 'Add allow="microphone; camera; display-capture; autoplay" to the iframe that holds this page: without it, a frame from another site gets no microphone.',
    );
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Fault('Use a current browser: this one does not support microphones.');
  }
  if ((await permission()) === 'denied') {
    throw new Fault(`Allow the microphone for ${location.host} in this browser's settings: it is blocked there.`);
  }
  return chromium ? 'This page may ask for the microphone.' : 'Nothing seems to forbid the microphone. Only Chromium can tell for certain.';
}

/** Sends a token request that is refused only after the checks of the page's origin. @param {Context} context */
async function origin({ service, violations }) {
  const body = JSON.stringify({ resumption_handle: 'of-no-conversation' });
  const headers = { 'Content-Type': 'application/json' };
  const address = new URL('token', service);
  const answer = await fetch(address, { method: 'POST', headers, body, credentials: 'omit', cache: 'no-store' }).catch(() => null);
  if (answer === null) {
    throw new Fault(
      (await blocked(violations, service)) ??
        `Add "${location.origin}" to origins under [http] in the service's tokensvc.toml and restart it: this site is not listed.`,
    );
  }
  const code = (await answer.json().catch(() => null))?.code;
  if (code === 'origin-not-allowed') {
    throw new Fault(
      `Set public_url = "${service.href.replace(/\/$/, '')}" under [http] in tokensvc.toml and restart, or open this page at the configured address.`,
    );
  }
  if (code === undefined) throw new Fault(`Make the proxy in front of the service pass POST requests: ${address} does not reach it.`);
  return `Pages from ${location.origin} may request tokens.`;
}

/** Compares with the profiles that the service lists for this visitor. @param {Context} context */
async function openProfile({ service, profile, getCredential }) {
  const credential = (await getCredential?.({ refused: false })) ?? null;
  const headers = credential === null ? undefined : { Authorization: `Bearer ${credential}` };
  const answer = await fetch(new URL('profiles', service), { headers, credentials: 'omit', cache: 'no-store' }).catch(() => null);
  const content = await answer?.json().catch(() => null);
  const asked = { profile, credential: credential !== null };
  if (!answer?.ok || !content) throw new Fault(remedy(problem(answer?.status ?? 502, content), asked));
  /** @type {string[]} */
  const names = content.profiles.map((/** @type {{name: string}} */ { name }) => name);
  if (!names.includes(profile)) throw new Fault(notListed(asked, names));
  return `“${profile}” is open to ${credential === null ? 'guests' : 'this visitor'}.`;
}

/** @param {Context} context */
async function token(context) {
  const { service, profile, getCredential } = context;
  const tokens = new TokenSource(new URL('token', service), { getCredential });
  try {
    context.grant = await tokens.grant({ profile }, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof LiveError)) throw error;
    throw new Fault(remedy(error, { profile, credential: getCredential !== undefined }));
  }
  return `A token for “${profile}” was granted for ${new Intl.NumberFormat('en').format(context.grant.expires_in ?? 0)} s.`;
}

/** Up to `setupComplete`, which alone proves that the token was accepted. @param {Context} context */
async function socket({ service, grant, violations }) {
  if (grant === null) throw new TypeError('There is no token to open a socket with.');
  const { origin: endpoint, protocol } = new URL(grant.websocket_url);
  try {
    if (protocol === 'ws:' && location.protocol === 'https:') {
      throw new Fault(`Set TOKENSVC_GEMINI_WEBSOCKET_URL to a wss address: browsers do not open ${endpoint} from an HTTPS page.`);
    }
    const began = performance.now();
    await opened(grant);
    return `${endpoint} was ready after ${Math.round(performance.now() - began)} ms; the conversation was ended immediately.`;
  } catch (error) {
    if (!(error instanceof LiveError)) throw error;
    const directive = await violations.against(endpoint);
    if (directive) throw new Fault(`Add ${endpoint} to ${directive} of this page's Content Security Policy.`);
    if (error.code === 'connection-lost') {
      throw new Fault(`No answer from ${endpoint}: start that service, and allow WebSocket connections through any firewall in between.`);
    }
    const close = error.close ? ` It closed with ${error.close.code}: “${error.close.reason}”.` : '';
    throw new Fault(`${error.message}${close}`);
  } finally {
    new TokenSource(new URL('token', service)).end(grant);
  }
}

/** Whether the frame that Google's terms require can be shown, if the profile searches. @param {Context} context */
async function suggestions({ service, grant }) {
  const searches = grant?.locked?.tools?.some((tool) => 'googleSearch' in tool || 'google_search' in tool);
  if (!searches) return null;
  const { suggestionsFrame } = await import('../widget/suggestions.js').catch(() => {
    throw new Fault(`Add ${service.origin}, without a path, to script-src of this page's Content Security Policy.`);
  });
  const frame = suggestionsFrame(service, 'Search suggestions', 'Search suggestions');
  frame.style.cssText = 'position: fixed; visibility: hidden';
  document.body.append(frame);
  const limit = performance.now() + FRAME_LIMIT_MS;
  try {
    // It is as tall as nothing until it shows something.
    while (frame.height === '0') {
      if (performance.now() > limit) {
        throw new Fault(`Add ${service.origin} to frame-src of this page's Content Security Policy: Google's Search Suggestions cannot be shown.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    frame.remove();
  }
  return "Google's Search Suggestions can be shown, as its terms require.";
}

/** @param {import('../live/connection/token-source.js').Grant} grant */
async function opened(grant) {
  const trial = new AbortController();
  try {
    await new Connection(grant, { receive: () => {} }, { signal: trial.signal }).ready;
  } finally {
    trial.abort();
  }
}

/** @param {import('./violations.js').Violations} violations @param {URL} service */
async function blocked(violations, service) {
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
