/** What an operator can do about each refusal of a token. */

/** @typedef {{profile: string, credential: boolean}} Asked `credential`: whether one was sent */

/** @type {Record<string, (asked: Asked) => string>} by the problem's code */
const REMEDIES = {
  'authentication-required': withoutGuests,
  'profile-not-allowed': (asked) =>
    asked.credential
      ? `Correct the profile attribute, or add this kind of visitor to allow under [profiles.${asked.profile}] in tokensvc.toml: they may not use “${asked.profile}”.`
      : withoutGuests(asked),
  'invalid-token': () =>
    'Compare the issuer, audience and times of the JWT with [[issuers]] in tokensvc.toml: they do not match.',
  blocked: () => 'Lift the block with “tokensvc unblock”; “tokensvc blocks” lists all blocks.',
  'rate-limited': () => 'Wait a moment, or raise the limits in tokensvc.toml: this visitor has reached them.',
  'too-many-at-once': () => 'End another conversation, or raise concurrent under [limits] in tokensvc.toml.',
  'budget-spent': () => 'Wait until midnight UTC, or raise budget under [limits] in tokensvc.toml: today’s time is used up.',
  'profile-rejected': ({ profile }) =>
    `Run “tokensvc check”: Gemini rejects what [profiles.${profile}] sends; the reason is in the service's log.`,
  'issuer-misconfigured': () => 'Look for Google’s reason in the service’s log, then correct GEMINI_API_KEY or its project and restart: Google refuses every key.',
  'quota-exhausted': () => 'Add credit or raise the spending cap in Google AI Studio: the account of the API key has no quota left.',
  'upstream-unavailable': unreachable,
  'upstream-timeout': unreachable,
  'upstream-bad-response': unreachable,
  'upstream-busy': () => 'Try again in a moment: as many requests as may wait for Google are waiting.',
  'upstream-throttled': () => 'Try again shortly, or ask Google for a higher quota: this key has exceeded its own.',
  'temporarily-unavailable': () => 'Look for the store’s error in the service’s log: no token is granted while the store cannot be written.',
};

/**
 * @param {import('../live/errors.js').LiveError} refusal
 * @param {Asked} asked
 * @returns {string} a sentence; for an unknown refusal its own
 */
export function remedy(refusal, asked) {
  return REMEDIES[refusal.code]?.(asked) ?? `${refusal.message} (${refusal.code})`;
}

/**
 * The service does not tell whether a profile that is not listed exists.
 * @param {Asked} asked
 * @param {string[]} listed the profiles that this visitor may use
 */
export function notListed({ profile, credential }, listed) {
  const visitor = credential ? 'this visitor' : 'guests';
  const others = new Intl.ListFormat('en', { type: 'disjunction' }).format(listed.map((name) => `“${name}”`));
  const allow = credential ? 'add this kind of visitor' : 'add "guest"';
  const instead = listed.length === 0 ? '' : `Set the profile attribute to ${others}, which ${visitor} may use. `;
  const cause = `“${profile}” is not among the profiles of ${visitor}.`;
  return `${instead}If [profiles.${profile}] is in tokensvc.toml, ${allow} to its allow: ${cause}`;
}

/** @param {Asked} asked */
function withoutGuests({ profile }) {
  return `Add "guest" to allow under [profiles.${profile}] in tokensvc.toml, or give the widget a getCredential function: guests are not admitted.`;
}

function unreachable() {
  return 'Let the service reach Google, or start the emulator at TOKENSVC_GEMINI_BASE_URL: no tokens come from there.';
}
