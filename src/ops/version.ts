import { readFileSync } from 'node:fs';

/** Of the package that this file is part of, built or not. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
