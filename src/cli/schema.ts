import { inputSchema } from '../input/schema.js';
import { INPUT_TYPES, isInputType } from '../input/types.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Outside } from './outside.js';

/** `layover schema TYPE`: the JSON Schema of a type's input, for editors and for checks before a start. */
export function schemaCommand(type: string, outside: Outside): ExitCode {
  if (!isInputType(type)) {
    outside.complain(`there is no type ${JSON.stringify(type)}; there is ${INPUT_TYPES.join(', ')}`);
    return EXIT.usage;
  }
  outside.say(JSON.stringify(inputSchema(type), null, 2));
  return EXIT.ok;
}
