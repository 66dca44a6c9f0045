/** What TypeScript knows of `<live-agent>` by its tag name. */

import type { LiveError, SessionEvents } from '../live/session.js';
import type { LiveAgent } from './element.js';

type Mode = 'floating' | 'inline' | 'headless';
type Corner = 'bottom-end' | 'bottom-start' | 'top-end' | 'top-start';
type Input = 'both' | 'voice' | 'text';
type Theme = 'auto' | 'light' | 'dark';
/** Without a value a property has its default. */
type None = null | undefined;
type Flag = boolean | '' | None;

export interface LiveAgentAttributes {
  profile?: string | None;
  mode?: Mode | None;
  corner?: Corner | None;
  input?: Input | None;
  theme?: Theme | None;
  'push-to-talk'?: Flag;
  open?: Flag;
  consent?: string | boolean | None;
  'consent-days'?: number | string | None;
  rating?: Flag;
  keep?: 'session' | '' | None;
  greeting?: string | None;
  suggestions?: string | readonly string[] | None;
  languages?: string | string[] | None;
  service?: string | None;
  lang?: string | undefined;
}

/** The properties that are attributes. */
export interface LiveAgentReflected {
  get profile(): string;
  set profile(name: string | None);
  get mode(): Mode;
  set mode(mode: Mode | None);
  /** Where it floats. */
  get corner(): Corner;
  set corner(corner: Corner | None);
  /** What a person may use. */
  get input(): Input;
  set input(input: Input | None);
  get theme(): Theme;
  set theme(theme: Theme | None);
  get pushToTalk(): boolean;
  set pushToTalk(wanted: Flag);
  get open(): boolean;
  set open(open: Flag);
  /** What a person has to agree to first: null for nothing, empty for the built-in text. */
  get consent(): string | null;
  set consent(text: string | boolean | None);
  /** For how many days the browser remembers the consent. */
  get consentDays(): string;
  set consentDays(days: number | string | None);
  /** Whether to ask for a rating at the end. */
  get rating(): boolean;
  set rating(wanted: Flag);
  /** `session`: the conversation continues on the next page of the site, in the same tab. */
  get keep(): string;
  set keep(keep: 'session' | '' | None);
  /** What is shown before the start; empty for the built-in text. */
  get greeting(): string;
  set greeting(text: string | None);
  /** First lines to choose from before the start, separated by `|`. */
  get suggestions(): string;
  set suggestions(texts: string | readonly string[] | None);
  /** Those of its own text that a person can choose from, such as `en tr`. */
  get languages(): string;
  set languages(tags: string | string[] | None);
}

/** What cannot be written as an attribute. */
export type LiveAgentProperties = Pick<LiveAgent, 'getCredential' | 'options' | 'strings' | 'context'>;

export type LiveAgentEvents = {
  [Type in Exclude<keyof SessionEvents, 'change'> as `live-agent-${Type}`]: CustomEvent<SessionEvents[Type]>;
} & {
  'live-agent-toggle': CustomEvent<{ open: boolean }>;
  'live-agent-rating': CustomEvent<{ rating: 'good' | 'bad' }>;
  'live-agent-error': CustomEvent<LiveError>;
};

declare module './element.js' {
  interface LiveAgent extends LiveAgentReflected {
    addEventListener<Type extends keyof LiveAgentEvents>(
      type: Type,
      listener: (this: LiveAgent, event: LiveAgentEvents[Type]) => void,
      options?: boolean | AddEventListenerOptions,
    ): void;
    addEventListener<Type extends keyof HTMLElementEventMap>(
      type: Type,
      listener: (this: LiveAgent, event: HTMLElementEventMap[Type]) => void,
      options?: boolean | AddEventListenerOptions,
    ): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'live-agent': LiveAgent;
  }
}
