export default function Teas() {
  return <h1>Our teas</h1>;
}
