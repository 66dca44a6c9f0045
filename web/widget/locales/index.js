/**
 * The languages that the widget speaks. What its button says, and what it says where the rest cannot be loaded, is
 * needed before the rest is loaded; the other words of each language are in a file of their own.
 * @type {Record<string, {launcher: string, unreachable: string}>}
 */
export default {
  en: { launcher: 'Talk to us', unreachable: 'No connection. Try again' },
};
