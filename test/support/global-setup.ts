import { temporalCli, temporalTestServer } from '../../src/setup/binaries.js';

/** Once before all tests that need a server, so that no test's time limit has to hold a download. */
export default async function setup(): Promise<void> {
  await temporalCli();
  await temporalTestServer();
}
