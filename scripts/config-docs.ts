/** Writes docs/configuration.md and config/keylease.schema.json from the schema of the configuration. */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { configJsonSchema } from '../src/config/json-schema.ts';

/** What of a JSON schema is read here. */
interface Schema {
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

interface Row {
  readonly path: string;
  readonly isRequired: boolean;
  readonly description: string;
}

const INTRODUCTION = `<!-- Made by scripts/config-docs.ts from src/config/. Edits are lost. -->

# Configuration

One YAML file: \`keylease serve --config FILE\`, or the environment variable \`KEYLEASE_CONFIG\`. \`keylease config check FILE\` lists every mistake with
line and column; the first line of a file can name the schema for editors (\`# yaml-language-server: $schema=…/keylease.schema.json\`).

- A value may hold \`\${NAME}\`, or \`\${NAME:-otherwise}\`: variables of the environment, put in after the file was read, so that they never change its form.
- Durations are written \`250ms\`, \`30s\`, \`1h30m\`, \`2d\`.
- An unknown key is a mistake, and the nearest known one is named.
- A reload (\`SIGHUP\`, \`keylease reload\`) puts a file without mistakes in force as a whole; one with a mistake changes nothing.

\`[]\` stands for each item of a list. \`config/example.yaml\` is a file to start from.
`;

/** The whole document; the same schema always makes the same text. */
export function configDocs(schema: Schema = configJsonSchema()): string {
  const sections = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const rows = rowsOf(part, name);
    const needed = schema.required?.includes(name) ? ' Required.' : '';
    return `## \`${name}\`\n\n${part.description ?? ''}${needed}\n${rows.length > 0 ? `\n${table(rows)}` : ''}`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

/** Every key below a part, also those of one form among several. */
function rowsOf(part: Schema, path: string): readonly Row[] {
  const own = Object.entries(part.properties ?? {}).flatMap(([name, child]) => [
    { path: `${path}.${name}`, isRequired: part.required?.includes(name) ?? false, description: child.description ?? '' },
    ...rowsOf(child, `${path}.${name}`),
  ]);
  const forms = (part.anyOf ?? []).flatMap((form) => rowsOf(form, path));
  const items = part.items === undefined ? [] : rowsOf(part.items, `${path}[]`);
  return unique([...own, ...forms, ...items]);
}

function unique(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map((row) => [row.path, row])).values()];
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ path, isRequired, description }) => `| \`${path}\` | ${escaped(description)}${isRequired ? ' Required.' : ''} |`,
  );
  return `| key | meaning |\n| --- | --- |\n${lines.join('\n')}\n`;
}

const escaped = (text: string) => text.replaceAll('|', '\\|');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), configDocs());
  writeFileSync(new URL('../config/keylease.schema.json', import.meta.url), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
