'use client';

export { App as default } from '../app.jsx';
