/** A page that uses the widget; what it must not be able to do is expected to fail. */

import { LiveAgent, type LiveAgentEvents } from 'tokensvc-live/widget';

LiveAgent.defaultService = 'https://voice.example/';
const agent = document.createElement('live-agent');
agent.getCredential = async () => null;
const inThePage: LiveAgent | null = document.querySelector('live-agent');
const rated = ({ detail }: LiveAgentEvents['live-agent-rating']): 'good' | 'bad' => detail.rating;
agent.addEventListener('live-agent-rating', ({ detail }) => console.log(detail.rating, rated, inThePage?.state));
agent.addEventListener('pointerdown', ({ pointerId }) => console.log(pointerId));
// @ts-expect-error it has no such detail
agent.addEventListener('live-agent-speaking', ({ detail }) => detail.loud);
// @ts-expect-error it has no such property
agent.colour = 'red';
