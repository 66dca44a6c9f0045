/** The widget's English strings; those for its less common parts are in `rare/`. Every other language has the same keys, and a host may override each. */
export default {
  // The frame.
  title: 'AI assistant',
  collapse: 'Minimize',
  settings: 'Settings',
  ongoing: 'Conversation in progress',
  greeting: 'How can I help?',
  privacy: 'You are talking to an AI, which can be wrong. What you say or type goes straight to Google; this service does not record it.',

  // Actions.
  start: 'Start talking',
  again: 'New conversation',
  cancel: 'Cancel',
  end: 'End',
  mute: 'Mute',
  silence: 'Sound off',
  talk: 'Hold to talk',
  camera: 'Camera',
  screen: 'Share screen',
  flip: 'Switch camera',
  message: 'Message',
  'message.hint': 'Type a message',
  send: 'Send',

  // The state of the conversation.
  'state.idle': 'Ready when you are',
  'state.connecting': 'Connecting…',
  'state.listening': 'Listening',
  'state.muted': 'Muted',
  'state.silenced': 'Microphone muted by the system',
  'state.speaking': 'Speaking',
  'state.answering': 'Answering…',
  'state.working': 'Working…',
  'state.reading': 'Ready for your message',
  'state.resuming': 'Reconnecting…',
  'state.closed': 'The conversation has ended',
  'notice.resuming': 'Reconnecting. Please go on, nothing is lost.',

  // The transcript.
  log: 'Transcript',
  user: 'You',
  agent: 'Assistant',
  said: '{who}: {text}',
  interrupted: 'interrupted',
  preview: 'Preview',
  'tool.running': 'Using {name}…',
  'tool.answered': 'Used {name}',
  'tool.failed': 'Could not use {name}',
  'tool.cancelled': 'Stopped using {name}',

  // Remedies for an error.
  retry: 'Try again',
  write: 'Type instead',
  dismiss: 'OK',
  wait: 'You can try again {time}.',

  // Errors, by their codes. Codes that mean the same to a person share a sentence: see words.js.
  error: 'Something went wrong. Please try again.',
  'error.connection-lost': 'The connection was lost. Check your network and start again.',
  'error.service-failed': 'The voice service is unavailable at the moment. Please try again shortly.',
  'error.page-fault': 'Something went wrong on this page. Please reload it and try again.',
};
