import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTemporal } from '../../src/worker/temporal.js';

/** No profile file of whoever runs the tests. */
const alone = { HOME: mkdtempSync(join(tmpdir(), 'layover-home-')) };
const read = (env: Record<string, string>) => readTemporal({ ...alone, ...env });

const PAIR = { TEMPORAL_TLS_CLIENT_CERT_DATA: 'b', TEMPORAL_TLS_CLIENT_KEY_DATA: 'k' };

describe('the settings of the Temporal connection', () => {
  test('say nothing: a server on this machine, the namespace default', () => {
    expect(read({})).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
  });

  test('an API key alone turns TLS on, as Temporal Cloud wants it', () => {
    const { address, connectionOptions } = read({
      TEMPORAL_ADDRESS: 'eu.aws.api.temporal.io:7233',
      TEMPORAL_API_KEY: 'k',
    });
    expect(address).toBe('eu.aws.api.temporal.io:7233');
    expect(connectionOptions).toMatchObject({ apiKey: 'k', tls: true });
  });

  test('a profile file is read, and the environment stands above it', () => {
    const file = join(alone.HOME, 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "one:7233"\nnamespace = "a"\n');
    expect(read({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_NAMESPACE: 'b' })).toMatchObject({
      address: 'one:7233',
      namespace: 'b',
    });
  });

  test.each([
    [{ TEMPORAL_ADDRESS: 'http://temporal:7233' }, /^TEMPORAL_ADDRESS must be host and port without a scheme/],
    [{ TEMPORAL_ADDRESS: 'temporal:port' }, /^TEMPORAL_ADDRESS /],
    [{ TEMPORAL_ADDRESS: '' }, /^TEMPORAL_ADDRESS /],
    [{ TEMPORAL_NAMESPACE: '' }, /^TEMPORAL_NAMESPACE is empty/],
    [{ TEMPORAL_TLS: 'yes' }, /^TEMPORAL_TLS must be true or false/],
    [
      { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' },
      /has no effect in this SDK; .*TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
    ],
    [{ TEMPORAL_CODEC_ENDPOINT: 'http://codec' }, /^TEMPORAL_CODEC_ENDPOINT is set, and Layover has no payload codec/],
    [{ TEMPORAL_PROFILE: 'nobody' }, /^TEMPORAL_\*: .*nobody/],
    [{ ...PAIR, TEMPORAL_TLS_CLIENT_CERT_PATH: 'a.pem' }, /^TEMPORAL_\*: /],
    [{ ...PAIR, TEMPORAL_TLS: '1' }, /^TEMPORAL_TLS_\*: a certificate or key is no PEM/],
    [
      { TEMPORAL_TLS: '1', TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'none' },
      /^TEMPORAL_TLS_\*: a certificate or key is no PEM/,
    ],
    [{ TEMPORAL_TLS_CLIENT_KEY_DATA: 'k' }, /^TEMPORAL_TLS_CLIENT_KEY_\* is set without TEMPORAL_TLS_CLIENT_CERT_\*/],
    [{ TEMPORAL_ADDRESS: 'temporal:70000' }, /^TEMPORAL_ADDRESS must be host and port/],
    [{ TEMPORAL_CONFIG_FILE: '/does/not/exist.toml', TEMPORAL_PROFILE: 'x' }, /^TEMPORAL_\*: /],
  ])('%j is refused with its name and the way out', (env, says) => {
    expect(() => read(env)).toThrow(says);
  });
});

test.each(['TEMPORAL_API_KEY', 'TEMPORAL_GRPC_META_TENANT'])(
  '%s that cannot travel is refused by name, and not repeated',
  (name) => {
    for (const value of ['SECRET\n', 'SECRÉT', 'SEC\u0000RET']) {
      const read = () => readTemporal({ [name]: value });
      expect(read).toThrow(new RegExp(`^${name} holds`));
      expect(read).not.toThrow(/SEC/);
    }
  },
);
