import { Agent } from './agent.jsx';

export const metadata = { title: 'Tea shop', icons: 'data:,' };

/** The agent is in the layout, so that its conversation continues when the page changes. */
export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <main>{children}</main>
        <Agent />
      </body>
    </html>
  );
}
