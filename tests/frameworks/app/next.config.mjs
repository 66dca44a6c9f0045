import { dirname } from 'node:path';

// The packages are installed beside this folder, once for all builds.
export default { turbopack: { root: dirname(import.meta.dirname) } };
