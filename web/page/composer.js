/** The page's field for typed text. */

import { compose as composeIn } from '../widget/composer.js';
import { block, element } from './elements.js';

/** @param {(text: string) => void} send called with text that is not empty */
export function compose(send) {
  composeIn(element('composer', HTMLFormElement), element('text', HTMLTextAreaElement), send);
  return block('composer');
}
