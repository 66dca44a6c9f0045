/** What the operator of a service can do about each refusal of a token. */

/** @typedef {{profile: string, credential: boolean}} Asked `credential`: whether one was sent */

/** @type {Record<string, (asked: Asked) => string>} by the problem's code */
const REMEDIES = {
  'authentication-required': withoutGuests,
  'profile-not-allowed': (asked) =>
    asked.credential
      ? `Correct the attribute profile, or write who this is into allow of [profiles.${asked.profile}] in tokensvc.toml: there is no “${asked.profile}” for them.`
      : withoutGuests(asked),
  'invalid-token': () =>
    'Compare the issuer, the audience and the time of the JWT with [[issuers]] in tokensvc.toml: it is not believed as it is.',
  blocked: () => 'Lift the block with “tokensvc unblock”; “tokensvc blocks” shows what is switched off.',
  'rate-limited': () => 'Wait a little, or raise the limits in tokensvc.toml: this visitor has had as many conversations as they give.',
  'too-many-at-once': () => 'End another conversation, or raise concurrent under [limits] in tokensvc.toml.',
  'budget-spent': () => 'Wait until midnight UTC, or raise budget under [limits] in tokensvc.toml: the time for today is used up.',
  'profile-rejected': ({ profile }) =>
    `Run “tokensvc check”: Gemini does not take what [profiles.${profile}] sends, and the service's log has the reason.`,
  'issuer-misconfigured': () => 'Put a valid key into GEMINI_API_KEY and restart the service: Google refuses the present one.',
  'upstream-unavailable': unreachable,
  'upstream-timeout': unreachable,
  'upstream-bad-response': unreachable,
  'upstream-throttled': () => 'Try again shortly, or ask Google for a higher quota: it says that this key asks too much.',
  'temporarily-unavailable': () => 'Look for the store in the log of the service: nothing is granted while it cannot be written.',
};

/**
 * @param {import('../live/errors.js').LiveError} refusal
 * @param {Asked} asked
 * @returns {string} a sentence; for a refusal unknown to us, its own
 */
export function remedy(refusal, asked) {
  return REMEDIES[refusal.code]?.(asked) ?? `${refusal.message} (${refusal.code})`;
}

/** @param {Asked} asked */
function withoutGuests({ profile }) {
  return `Write "guest" into allow of [profiles.${profile}] in tokensvc.toml, or give the widget a getCredential: guests are not admitted.`;
}

function unreachable() {
  return 'Let the service reach Google, or start the emulator that TOKENSVC_GEMINI_BASE_URL names: no token comes from there.';
}
