/** The module that a site embeds: defines `<live-agent>`. */

import { LiveAgent } from './widget/element.js';

LiveAgent.define();
