/** What an installation of the package takes, and what of it the client alone loads. Builds in a temporary folder. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inPackageFolder } from './package-folder.ts';

const CLIENT = 'dist/client/index.js';
const IMPORT = /^(?:import|export)\s(?:[^'";]*?\sfrom\s+)?['"](?<path>[^'"]+)['"]/gm;

interface Pack {
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly dependencies?: Readonly<Record<string, string>> }>>;
}

inPackageFolder((folder) => {
  // The build writes to standard output, too: the list is the last thing on it.
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: folder, encoding: 'utf8' });
  const [pack] = JSON.parse(output.slice(output.lastIndexOf('\n[') + 1)) as [Pack];
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  const { files, packages } = loaded(join(folder, CLIENT));
  const bytes = [...files].reduce((sum, file) => sum + statSync(file).size, 0);
  const own = [...packages].sort();

  print('the package, packed', `${kib(pack.size)} KiB`);
  print('the package, unpacked', `${kib(pack.unpackedSize)} KiB in ${pack.entryCount} files`);
  print('its dependencies', `${Object.keys(lock.packages['']!.dependencies ?? {}).length} direct, ${installed(lock)} in all`);
  print('of it the client loads', `${kib(bytes)} KiB in ${files.size} files`);
  print('with', `${own.join(', ')}: ${closure(lock, own).size} packages in all`);
});

/** Everything of the package that a module loads, and the packages that it asks for. */
function loaded(entry: string): { files: ReadonlySet<string>; packages: ReadonlySet<string> } {
  const files = new Set([entry]);
  const packages = new Set<string>();
  for (const file of files) {
    for (const { groups } of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const path = groups!.path!;
      if (path.startsWith('.')) files.add(join(dirname(file), path));
      else if (!path.startsWith('node:')) packages.add(path.split('/', path.startsWith('@') ? 2 : 1).join('/'));
    }
  }
  return { files, packages };
}

function installed({ packages }: Lock): number {
  return Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true).length;
}

/** The packages and all that they need; one that is installed in two versions counts once. */
function closure({ packages }: Lock, names: readonly string[]): ReadonlySet<string> {
  const all = new Set(names);
  for (const name of all) for (const needed of Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {})) all.add(needed);
  return all;
}

function kib(bytes: number): string {
  return (bytes / 1_024).toFixed(0);
}

function print(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(24)}${figure}\n`);
}
