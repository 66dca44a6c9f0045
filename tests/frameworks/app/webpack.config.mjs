export default {
  mode: 'production',
  entry: './main.jsx',
  module: { rules: [{ test: /\.jsx$/, loader: 'esbuild-loader', options: { jsx: 'automatic' } }] },
};
