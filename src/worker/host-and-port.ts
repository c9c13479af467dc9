const MOST_PORT = 65_535;
const HOST_AND_PORT = /^(\[[0-9a-f:]+\]|[^\s/:[\]]+)(?::(\d{1,5}))?$/i;

/** `host`, or `host:port`, an IPv6 address in brackets; undefined for anything else. */
export function readHostAndPort(text: string): { readonly host: string; readonly port?: number } | undefined {
  const [, host, port] = HOST_AND_PORT.exec(text) ?? [];
  if (host === undefined) return undefined;
  if (port === undefined) return { host };
  return Number(port) <= MOST_PORT ? { host, port: Number(port) } : undefined;
}
