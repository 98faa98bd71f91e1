import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** The folders and files of each floor, from the bottom up. Nothing reaches up, nor sideways to another of its floor. */
const FLOORS = [
  ['pool'],
  ['provider'],
  ['store', 'config', 'auth', 'audit'],
  ['service'],
  ['grpc', 'ops', 'simulate'],
  ['app'],
  ['app.ts'],
  ['cli', 'main.ts'],
];

/** Beside the floors: the published client, which knows the wire alone. */
const ASIDE = 'client';

/** The pure floors, where nothing comes from outside but through arguments. */
const PURE = ['pool', 'provider'];
const IMPURE = /\bMath\.random\b|\bDate\.now\b|\bnew Date\(\)|\bprocess\b|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\b|\bfetch\(/;

const LINES_MAX = 300;

/** The command is one thing in a file and a folder. */
const TOP = FLOORS.length - 1;

type Files = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  /** Within src: a path; else the name of a package or of a module of Node. */
  readonly to: string;
  readonly isType: boolean;
}

const IMPORT = /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

function importsOf(files: Files): Import[] {
  return [...files].flatMap(([from, text]) =>
    [...text.matchAll(IMPORT)].map(([, type, path, dynamic]) => {
      const to = (path ?? dynamic) as string;
      return { from, to: to.startsWith('.') ? join(dirname(from), to) : to, isType: type !== undefined };
    }),
  );
}

const placeOf = (path: string) => path.split('/')[0] as string;
const floorOf = (path: string) => FLOORS.findIndex((places) => places.includes(placeOf(path)));

/** Everything in which the files of src depart from the floors, as sentences. */
function departures(files: Files): string[] {
  const imports = importsOf(files);
  const inside = imports.filter(({ to }) => files.has(to));
  return [
    ...[...files.keys()].filter((path) => floorOf(path) < 0 && placeOf(path) !== ASIDE).map((path) => `${path} is on no floor`),
    ...imports.filter(({ to }) => to.endsWith('.ts') && !files.has(to) && !to.startsWith('generated/')).map(told('misses')),
    ...inside.filter(({ from, to }) => reachesWrong(from, to)).map(told('must not import')),
    ...imports.filter(({ from, to }) => PURE.includes(placeOf(from)) && !files.has(to)).map(told('is pure and must not import')),
    ...imports.filter(({ to, from }) => to === 'node:sqlite' && !from.startsWith('store/file')).map(told('must not import')),
    ...imports
      .filter(({ to, from }) => to.startsWith('generated/') && !['grpc', 'cli', ASIDE].includes(placeOf(from)))
      .map(told('must not import')),
    ...inside
      .filter(({ from, to, isType }) => placeOf(from) === 'store' && placeOf(to) === 'pool' && !isType)
      .map(told('may take types alone from')),
    ...cyclesOf(inside),
    ...[...files].flatMap(([path, text]) => departuresOf(path, text)),
  ];
}

function reachesWrong(from: string, to: string): boolean {
  const [here, there] = [placeOf(from), placeOf(to)];
  if (here === there) return false;
  if (here === ASIDE || there === ASIDE) return !(here === 'cli' && there === ASIDE);
  return floorOf(to) > floorOf(from) || (floorOf(to) === floorOf(from) && floorOf(from) !== TOP);
}

function told(how: string) {
  return ({ from, to }: Import) => `${from} ${how} ${to}`;
}

function departuresOf(path: string, text: string): string[] {
  const found: string[] = [];
  const lines = text.split('\n').length - 1;
  if (lines > LINES_MAX) found.push(`${path} has ${lines} lines`);
  const impure = PURE.includes(placeOf(path)) ? IMPURE.exec(withoutComments(text))?.[0] : undefined;
  if (impure !== undefined) found.push(`${path} is pure and must not use ${impure}`);
  const reveals =
    text.includes('revealSecret(') &&
    !['service/pools.ts', 'config/secret.ts', 'app/open-store.ts', 'ops/telemetry/otlp.ts'].includes(path);
  if (reveals) found.push(`${path} must not call revealSecret`);
  return found;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

/** Each cycle of imports that are there when the program runs, once. */
function cyclesOf(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(
    imports.filter(({ isType }) => !isType),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push(`${[...trail.slice(trail.indexOf(path)), path].join(' → ')} is a cycle`);
    if (trail.includes(path) || done.has(path)) return;
    for (const { to } of targets.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
}

function sourceFiles(): Files {
  const root = new URL('../src/', import.meta.url).pathname;
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return new Map(paths.filter((path) => !path.startsWith('generated/')).map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

test('every file keeps to its floor', () => {
  const files = sourceFiles();
  expect(files.size).toBeGreaterThan(100);
  expect(importsOf(files).length).toBeGreaterThan(300);
  expect(departures(files)).toEqual([]);
});

/** A source tree that is in order, to which each row below adds one thing. */
const GOOD: Record<string, string> = {
  'pool/model.ts': 'export interface Key {}\n',
  'pool/room.ts': "import type { Key } from './model.ts';\n",
  'provider/index.ts': "import type { Key } from '../pool/model.ts';\n",
  'store/store.ts': "import type { Key } from '../pool/model.ts';\n",
  'store/file-disk.ts': "import { DatabaseSync } from 'node:sqlite';\n",
  'config/secret.ts': 'export function revealSecret(secret: unknown) {}\n',
  'service/pools.ts': "import { revealSecret } from '../config/secret.ts';\nrevealSecret(1);\n",
  'grpc/server.ts': "import { Pools } from '../service/pools.ts';\nimport { Lease } from '../generated/lease.ts';\n",
  'app.ts': "import { GrpcServer } from './grpc/server.ts';\n",
  'cli/serve.ts': "import { startApp } from '../app.ts';\nimport { connect } from '../client/index.ts';\n",
  'client/index.ts': "import { Lease } from '../generated/lease.ts';\nimport { Client } from 'nice-grpc';\n",
  'main.ts': "import { serve } from './cli/serve.ts';\n",
};

test('a tree that is in order has nothing to be said against it', () => {
  expect(departures(new Map(Object.entries(GOOD)))).toEqual([]);
});

test.each(
  (
    [
      ['service/a.ts', "import { GrpcServer } from '../grpc/server.ts';", 'service/a.ts must not import grpc/server.ts'],
      ['service/a.ts', "import type { GrpcServer } from '../grpc/server.ts';", 'service/a.ts must not import grpc/server.ts'],
      ['service/a.ts', "export { GrpcServer } from '../grpc/server.ts';", 'service/a.ts must not import grpc/server.ts'],
      ['service/a.ts', "import {\n  a,\n  b,\n} from '../grpc/server.ts';", 'service/a.ts must not import grpc/server.ts'],
      ['service/a.ts', "const later = () => import('../grpc/server.ts');", 'service/a.ts must not import grpc/server.ts'],
      ['service/a.ts', "import '../app.ts';", 'service/a.ts must not import app.ts'],
      ['ops/a.ts', "import { GrpcServer } from '../grpc/server.ts';", 'ops/a.ts must not import grpc/server.ts'],
      ['store/a.ts', "import { revealSecret } from '../config/secret.ts';", 'store/a.ts must not import config/secret.ts'],
      ['store/a.ts', "import { room } from '../pool/room.ts';", 'store/a.ts may take types alone from pool/room.ts'],
      ['app.ts', "import { serve } from './cli/serve.ts';", 'app.ts must not import cli/serve.ts'],
      ['pool/a.ts', "import { createHash } from 'node:crypto';", 'pool/a.ts is pure and must not import node:crypto'],
      ['provider/a.ts', "import * as z from 'zod';", 'provider/a.ts is pure and must not import zod'],
      ['pool/a.ts', "import { provider } from '../provider/index.ts';", 'pool/a.ts must not import provider/index.ts'],
      ['service/a.ts', "import { DatabaseSync } from 'node:sqlite';", 'service/a.ts must not import node:sqlite'],
      ['store/memory.ts', "import { DatabaseSync } from 'node:sqlite';", 'store/memory.ts must not import node:sqlite'],
      ['service/a.ts', "import { Lease } from '../generated/lease.ts';", 'service/a.ts must not import generated/lease.ts'],
      ['client/a.ts', "import { startApp } from '../app.ts';", 'client/a.ts must not import app.ts'],
      ['grpc/a.ts', "import { connect } from '../client/index.ts';", 'grpc/a.ts must not import client/index.ts'],
      ['pool/a.ts', 'const draw = Math.random();', 'pool/a.ts is pure and must not use Math.random'],
      ['pool/a.ts', 'const now = Date.now();', 'pool/a.ts is pure and must not use Date.now'],
      ['provider/a.ts', 'const now = new Date();', 'provider/a.ts is pure and must not use new Date()'],
      ['pool/a.ts', 'setTimeout(() => {}, 1);', 'pool/a.ts is pure and must not use setTimeout'],
      ['pool/a.ts', 'const now = performance.now();', 'pool/a.ts is pure and must not use performance'],
      ['pool/a.ts', 'const home = process.env.HOME;', 'pool/a.ts is pure and must not use process'],
      ['grpc/a.ts', 'const secret = revealSecret(key);', 'grpc/a.ts must not call revealSecret'],
      ['grpc/a.ts', 'x;\n'.repeat(300), 'grpc/a.ts has 301 lines'],
      ['grpc/a.ts', "import { gone } from './gone.ts';", 'grpc/a.ts misses grpc/gone.ts'],
      ['utils/a.ts', '', 'utils/a.ts is on no floor'],
    ] satisfies [string, string, string][]
  ).map(([path, text, departure]) => ({ path, text, departure })),
)('$departure', ({ path, text, departure }) => {
  expect(departures(new Map(Object.entries({ ...GOOD, [path]: `${text}\n` })))).toContain(departure);
});

test('a cycle is found, one through types alone is none', () => {
  const cycle = (how: string) => ({
    ...GOOD,
    'pool/a.ts': "import { b } from './b.ts';\n",
    'pool/b.ts': "import { c } from './c.ts';\n",
    'pool/c.ts': `import ${how}{ a } from './a.ts';\n`,
  });
  expect(departures(new Map(Object.entries(cycle(''))))).toEqual(['pool/a.ts → pool/b.ts → pool/c.ts → pool/a.ts is a cycle']);
  expect(departures(new Map(Object.entries(cycle('type '))))).toEqual([]);
});

test('what a comment says is not what the code does', () => {
  const commented = { ...GOOD, 'pool/a.ts': '// Not Date.now: time is an argument.\n/** Nor Math.random. */\n' };
  expect(departures(new Map(Object.entries(commented)))).toEqual([]);
});
