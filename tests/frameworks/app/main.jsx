import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.jsx';

const root = createRoot(document.querySelector('#app'));
root.render(createElement(App));
addEventListener('leave', () => root.unmount());
