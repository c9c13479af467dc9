import { z } from 'zod';
import { authorization } from './client.js';
import type { Transport } from './transport.js';

const CurrentTokens = z.looseObject({
  tokens: z.array(
    z.looseObject({
      apps: z.array(z.string()).nullish(),
      org_slug: z.string().nullish(),
      organization: z.string().nullish(),
    }),
  ),
});

/** How far a token reaches, as far as Fly tells: no apps means all of the organisation. */
export interface TokenScope {
  readonly organisations: readonly string[];
  readonly apps: readonly string[];
}

/** A worker waits for the answer before it works. */
const TIMEOUT_MS = 2_000;

/**
 * Asks Fly what the token may reach (`GET /v1/tokens/current`, Machines API OpenAPI of 2026-05).
 * @returns undefined where Fly does not tell: tokens that are no macaroons, older hosts, no connection.
 */
export async function readTokenScope(options: {
  readonly baseUrl: string;
  readonly token: string;
  readonly transport: Transport;
}): Promise<TokenScope | undefined> {
  try {
    const answer = await options.transport({
      method: 'GET',
      url: `${options.baseUrl}/v1/tokens/current`,
      headers: { authorization: authorization(options.token), accept: 'application/json' },
      timeoutMs: TIMEOUT_MS,
    });
    if (answer.status !== 200) return undefined;
    const { tokens } = CurrentTokens.parse(JSON.parse(answer.body));
    const unique = (names: readonly (string | null | undefined)[]) => [
      ...new Set(names.filter((name): name is string => Boolean(name))),
    ];
    return {
      organisations: unique(tokens.map((token) => token.org_slug ?? token.organization)),
      apps: unique(tokens.flatMap((token) => token.apps ?? [])),
    };
  } catch {
    return undefined;
  }
}
