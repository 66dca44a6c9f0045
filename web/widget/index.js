/** The npm package's entry: defines `<live-agent>` where there are custom elements, and does nothing on a server. */

import { LiveAgent } from './element.js';

/** @typedef {import('./tags.js').LiveAgentAttributes} LiveAgentAttributes */
/** @typedef {import('./tags.js').LiveAgentProperties} LiveAgentProperties */
/** @typedef {import('./tags.js').LiveAgentEvents} LiveAgentEvents */

// The site serves these modules, so their address does not tell where the service is.
LiveAgent.defaultService = '/';
LiveAgent.define();

export { LiveAgent };
