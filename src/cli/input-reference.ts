import { inputReference } from '../input/reference.js';

/** Prints docs/input.md. */
process.stdout.write(inputReference('stoppedSweep'));
