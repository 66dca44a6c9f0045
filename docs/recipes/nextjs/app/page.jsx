import Link from 'next/link';

export default function Home() {
  return (
    <>
      <h1>Tea shop</h1>
      <p>
        Questions about <Link href="/teas">our teas</Link>? Talk to us, by the button in the corner.
      </p>
    </>
  );
}
