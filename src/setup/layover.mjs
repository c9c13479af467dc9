#!/usr/bin/env node
/** The program `layover` of a clone: built at its first use, and again when a source has changed. */
import { runTarget } from './targets.mjs';

process.exitCode = await runTarget(['layover', ...process.argv.slice(2)]);
