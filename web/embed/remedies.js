/** What an operator can do about each refusal of a token. */

/** @typedef {{profile: string, credential: boolean}} Asked `credential`: whether one was sent */

/** @type {Record<string, (asked: Asked) => string>} by the problem's code */
const REMEDIES = {
  'authentication-required': withoutGuests,
  'profile-not-allowed': (asked) =>
    asked.credential
      ? `Correct the attribute profile, or add this kind of visitor to allow of [profiles.${asked.profile}] in tokensvc.toml: they may not use “${asked.profile}”.`
      : withoutGuests(asked),
  'invalid-token': () =>
    'Compare the issuer, the audience and the time of the JWT with [[issuers]] in tokensvc.toml: they do not match.',
  blocked: () => 'Lift the block with “tokensvc unblock”; “tokensvc blocks” lists all blocks.',
  'rate-limited': () => 'Wait a little, or raise the limits in tokensvc.toml: this visitor has reached them.',
  'too-many-at-once': () => 'End another conversation, or raise concurrent under [limits] in tokensvc.toml.',
  'budget-spent': () => 'Wait until midnight UTC, or raise budget under [limits] in tokensvc.toml: the time for today is used up.',
  'profile-rejected': ({ profile }) =>
    `Run “tokensvc check”: Gemini rejects what [profiles.${profile}] sends; the reason is in the service's log.`,
  'issuer-misconfigured': () => 'Set GEMINI_API_KEY to a valid key and restart the service: Google refuses the present one.',
  'upstream-unavailable': unreachable,
  'upstream-timeout': unreachable,
  'upstream-bad-response': unreachable,
  'upstream-throttled': () => 'Try again shortly, or ask Google for a higher quota: this key has exceeded its own.',
  'temporarily-unavailable': () => 'Look for the store in the service’s log: nothing is granted while it cannot be written.',
};

/**
 * @param {import('../live/errors.js').LiveError} refusal
 * @param {Asked} asked
 * @returns {string} a sentence; for an unknown refusal its own
 */
export function remedy(refusal, asked) {
  return REMEDIES[refusal.code]?.(asked) ?? `${refusal.message} (${refusal.code})`;
}

/** @param {Asked} asked */
function withoutGuests({ profile }) {
  return `Add "guest" to allow of [profiles.${profile}] in tokensvc.toml, or give the widget a getCredential: guests are not admitted.`;
}

function unreachable() {
  return 'Let the service reach Google, or start the emulator that TOKENSVC_GEMINI_BASE_URL names: no tokens come from there.';
}
