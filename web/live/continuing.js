/** What was said on the page before; loaded by a page that continues a conversation. */

/** @typedef {import('./transcript.js').Utterance} Utterance */

/**
 * Shows what was said before, and has it known to a fresh session if Google has lost the one that said it.
 * @param {readonly Utterance[]} transcript
 * @param {import('./transcript.js').History} history
 * @param {(type: 'transcript', utterance: Utterance) => void} emit
 */
export function recall(transcript, history, emit) {
  const next = 1 + Math.max(...transcript.map(({ turn }) => turn));
  for (const [index, utterance] of transcript.entries()) {
    // This page counts from the beginning, in utterances and in turns.
    const earlier = { ...utterance, id: `earlier ${index}`, turn: utterance.turn - next, final: true, earlier: true };
    history.heard({ ...earlier, typed: false });
    emit('transcript', earlier);
  }
}
