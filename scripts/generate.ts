/** Generates everything that follows from `proto/`: the TypeScript code, and the descriptors with their comments for reflection. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'src/generated' } } });
const ERROR_DETAILS = 'node_modules/google-proto-files/google/rpc/error_details.proto';

rmSync(values.out, { recursive: true, force: true });
const template = JSON.stringify({
  version: 'v2',
  inputs: [{ directory: 'proto' }, { directory: 'node_modules/google-proto-files', paths: [ERROR_DETAILS] }],
  plugins: [
    {
      local: 'protoc-gen-ts_proto',
      out: values.out,
      include_imports: true,
      opt: [
        'enumsAsLiterals=true',
        'oneof=unions-value',
        'useExactTypes=false',
        'useDate=false',
        'importSuffix=.ts',
        'outputServices=grpc-js',
        'outputServices=generic-definitions',
        'outputJsonMethods=to-only',
        'outputTypeAnnotations=false',
        'esModuleInterop=true',
        'annotateFilesWithVersion=false',
      ],
    },
  ],
});
execFileSync('buf', ['generate', '--template', template], { stdio: 'inherit' });

const build = (...what: string[]) => execFileSync('buf', ['build', ...what, '--as-file-descriptor-set', '-o', '-']);
// One set behind the other is a set as well. That of health is made here, because proto-loader misnames the entries of its map.
const descriptors = Buffer.concat([
  build('--path', 'proto/keylease', '--path', ERROR_DETAILS),
  build('node_modules/grpc-health-check/proto'),
]);
const lines = descriptors.toString('base64').match(/.{1,120}/g) ?? [];
writeFileSync(
  `${values.out}/descriptors.ts`,
  `// Code generated from proto/. DO NOT EDIT.\n\n/** The FileDescriptorSet of every message on the wire, with comments, as base64. */\nexport const descriptors =\n  ${lines
    .map((line) => `'${line}'`)
    .join(' +\n  ')};\n`,
);
