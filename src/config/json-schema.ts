import * as z from 'zod';
import { configSchema } from './schema.ts';

const FROM_VARIABLE = { type: 'string', pattern: '\\$\\{' } as const;

/** The JSON schema of the configuration file, for editors. Wherever the form is restricted, a `${NAME}` may stand as well. */
export function configJsonSchema(): object {
  return {
    title: 'keylease configuration',
    ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7', override: ({ jsonSchema }) => allowVariable(jsonSchema) }),
  };
}

function allowVariable(schema: z.core.JSONSchema.BaseSchema): void {
  if (!isRestricted(schema)) return;
  const { description, default: fallback, ...form } = schema;
  for (const word of Object.keys(form)) delete schema[word];
  schema.anyOf = [form, FROM_VARIABLE];
}

function isRestricted({ type, enum: names, pattern, const: only }: z.core.JSONSchema.BaseSchema): boolean {
  return type === 'integer' || (type === 'boolean' && only === undefined) || names !== undefined || pattern !== undefined;
}
