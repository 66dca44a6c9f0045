/** The widget's English strings for its less common parts. Every other language has the same keys, and a host may override each. */
export default {
  // The sources of an answer.
  sources: 'Sources',
  searched: 'Searched for {queries}',
  'new.tab': 'opens in a new tab',

  // The settings.
  back: 'Back',
  microphone: 'Microphone',
  speaker: 'Speaker',
  'camera.device': 'Camera',
  volume: 'Volume',
  'device.default': 'Browser default',
  'option.voice': 'Voice',
  'option.language': 'Language',
  'option.later': 'Takes effect in the next conversation.',
  'devices.later': 'Device names appear once you allow the microphone.',

  // Before and after.
  consent: 'What you say and type is sent to Google Gemini, an AI service. Its answers can be wrong.',
  'consent.title': 'Before you start',
  'consent.agree': 'Agree and continue',
  'consent.decline': 'Not now',
  'question.agree': 'Yes, go ahead',
  rating: 'How was this conversation?',
  'rating.good': 'Good',
  'rating.bad': 'Not good',
  'rating.thanks': 'Thanks for your feedback.',

  // What may happen.
  'stopped.question': 'A safety filter stopped this question. Please ask something else.',
  'stopped.answer': 'A safety filter stopped this answer. Please ask something else.',
  'stopped.failed': 'This answer could not be completed. Please ask again.',
  'notice.microphone': 'Using another microphone: {name}',
  suggestions: 'Google Search suggestions',
  omitted: 'Earlier messages are no longer shown.',

  // Errors at which the network is there.
  'error.camera-refused': 'Camera access was denied. Allow it for this site in the browser’s settings and try again.',
  'error.camera-missing': 'No camera was found. Connect one and try again.',
  'error.camera-busy': 'The camera is unavailable. Another program may be using it.',
  'error.camera-forbidden': 'This page does not allow camera access.',
  'error.screen-refused': 'The screen was not shared.',
  'error.screen-busy': 'The screen cannot be shared at the moment.',
  'error.screen-forbidden': 'This page does not allow screen sharing.',
  'error.video-unsupported': 'This browser does not support that. Please try another one.',
  'error.insecure-page': 'The microphone and camera need a secure connection. Open this page over HTTPS.',
  'error.sound-blocked': 'The browser blocked the sound. Please press the button again.',
  'error.location-unsupported': 'The voice service is not available in your country.',
  'error.quota-exhausted': 'This site has reached its limit for the voice service. Please try again later.',
  'error.too-many-at-once': 'You are already in another conversation. End that one first.',
  'error.budget-spent': 'Today’s conversation time is used up. Please come back tomorrow.',
  'error.rate-limited': 'Too many attempts in a short time. Please wait a moment.',
  'error.lease-over': 'The time for this conversation is up. You can start a new one.',
  'error.context-lost': 'This conversation can no longer be continued. Please start a new one.',
  'error.conversation-refused': 'The voice service ended the conversation. Please start again and try rephrasing.',
  'error.microphone-forbidden': 'This page does not allow microphone access. You can type instead.',
  'error.microphone-unsupported': 'This browser does not support the microphone here. You can type instead.',
  'error.idle': 'The conversation ended because nobody spoke for a while.',
  'error.blocked': 'This assistant has been turned off. Please contact the site owner.',
  'error.not-live': 'There is no conversation right now. Start one first.',
};
