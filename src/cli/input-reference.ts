import { inputReference } from '../input/reference.js';
import { INPUT_TYPES, isInputType } from '../input/types.js';

/** Prints the page of a type's input: docs/input.md and those beside it. */
const [type = ''] = process.argv.slice(2);
if (isInputType(type)) process.stdout.write(inputReference(type));
else {
  process.stderr.write(`name a type: ${INPUT_TYPES.join(', ')}\n`);
  process.exitCode = 2;
}
