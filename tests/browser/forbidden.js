// Tries everything that a strict policy blocks.
document.addEventListener('DOMContentLoaded', async () => {
  const tried = [
    () => {
      document.body.innerHTML = '';
    },
    () => document.body.setAttribute('style', 'color: red'),
    () => document.body.append(Object.assign(new Image(), { src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw=' })),
    () => fetch('http://127.0.0.1:1/').catch(() => {}),
  ];
  for (const one of tried) {
    try {
      await one();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // that of Trusted Types
    }
  }
  document.querySelector('main').dataset.done = '';
});
