import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCE = join(import.meta.dirname, 'echo.cc');
const CACHE = join(ROOT, 'node_modules', '.cache', 'keylease-bench');
const PLUGIN = '/usr/bin/grpc_cpp_plugin';
const HEADERS = ['/usr/include/grpcpp/grpcpp.h', '/usr/include/google/protobuf/message.h'];
const PACKAGES = 'not built: apt-get install g++ libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc';

const OWN_PROTOS = ['key', 'lease', 'key_lease_service'].map((name) => `keylease/v1/${name}.proto`);
const STATUS_PROTO = 'google/rpc/status.proto';

/** Builds the C++ echo where the machine has what it takes, once for each state of its sources; else says which packages bring it. */
export async function buildEcho(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const hasTools = ['g++', 'protoc'].every((tool) => spawnSync(tool, ['--version']).status === 0);
  if (!hasTools || ![PLUGIN, ...HEADERS].every((file) => existsSync(file))) return { missing: PACKAGES };
  const sources = [readFileSync(SOURCE, 'utf8'), ...OWN_PROTOS.map((proto) => readFileSync(join(ROOT, 'proto', proto), 'utf8'))];
  const version = createHash('sha256').update(sources.join('\0')).digest('hex').slice(0, 16);
  const path = join(CACHE, `echo-${version}`);
  if (existsSync(path)) return { path };
  return build(path, join(CACHE, version)).then(
    () => ({ path }),
    ({ message }: Error) => ({ missing: `could not be built: ${message.split('\n')[1] ?? message}` }),
  );
}

async function build(path: string, folder: string): Promise<void> {
  copyProtos(folder);
  const protos = [...OWN_PROTOS, STATUS_PROTO];
  await run('protoc', ['-I', folder, '--cpp_out', folder, '--grpc_out', folder, `--plugin=protoc-gen-grpc=${PLUGIN}`, ...protos]);
  const generated = [...protos.map((proto) => proto.replace('.proto', '.pb.cc')), 'keylease/v1/key_lease_service.grpc.pb.cc'];
  // Debian's libgrpc leaves what it needs of abseil to be found through itself.
  const libraries = ['-Wl,--copy-dt-needed-entries', '-lgrpc++', '-lgrpc', '-lgpr', '-lprotobuf', '-lpthread'];
  const building = `${path}.${process.pid}`;
  await run('g++', [
    '-O2',
    '-std=c++17',
    '-I',
    folder,
    '-o',
    building,
    SOURCE,
    ...generated.map((file) => join(folder, file)),
    ...libraries,
  ]);
  renameSync(building, path);
}

/** Without `debug_redact`, which Debian's older protoc does not know and which changes no byte on the wire. */
function copyProtos(folder: string): void {
  const googleProtos = join(ROOT, 'node_modules', 'google-proto-files');
  const copies = [...OWN_PROTOS.map((proto) => [join(ROOT, 'proto'), proto]), [googleProtos, STATUS_PROTO]] as [string, string][];
  for (const [root, proto] of copies) {
    const copy = join(folder, proto);
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, readFileSync(join(root, proto), 'utf8').replaceAll(/ ?\[debug_redact = true\]/g, ''));
  }
}
