/** Lets JSX contain `<live-agent>`. */

import type { DetailedHTMLProps, HTMLAttributes } from 'react';
import type { LiveAgent } from '../widget/element.js';
import type { LiveAgentAttributes, LiveAgentEvents, LiveAgentProperties } from '../widget/tags.js';

/** React 19 sets properties, and listens to `live-agent-state` by `onlive-agent-state`; React 18 sets attributes only. */
export type LiveAgentProps = DetailedHTMLProps<HTMLAttributes<LiveAgent>, LiveAgent> &
  LiveAgentAttributes &
  { [Name in keyof LiveAgentProperties]?: LiveAgentProperties[Name] | undefined } & {
    [Type in keyof LiveAgentEvents as `on${Type}`]?: ((event: LiveAgentEvents[Type]) => void) | undefined;
  };

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'live-agent': LiveAgentProps;
    }
  }
}
