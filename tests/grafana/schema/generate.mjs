// Writes schema.json from types.ts: `make grafana-schema`.
import { writeFileSync } from 'node:fs';
import { createGenerator } from 'ts-json-schema-generator';

const generator = createGenerator({
  path: 'types.ts',
  tsconfig: 'tsconfig.json',
  skipTypeCheck: true, // Grafana's declarations are its own business
  jsDoc: 'none',
  additionalProperties: false,
  sortProps: true,
});
writeFileSync('schema.json', JSON.stringify(generator.createSchema('*')) + '\n');
