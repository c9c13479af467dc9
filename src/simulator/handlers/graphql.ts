import { z } from 'zod';
import { json, type Answer } from '../answers.js';
import { appNamed, bodyOf, type Call } from '../call.js';
import type { SimApp } from '../world.js';

const Query = z.looseObject({
  query: z.string(),
  variables: z.looseObject({ appName: z.string().default(''), imageRef: z.string().default('') }).nullish(),
});
type Variables = { readonly appName: string; readonly imageRef: string };

/**
 * What flyctl asks by GraphQL. Most of its queries have no name, so they are known by a word in their text, first match
 * wins (fly-go@22d6e51 resource_*.go, flyctl@ad0172f).
 */
const QUERIES: readonly (readonly [word: RegExp, data: (call: Call, variables: Variables) => unknown])[] = [
  [/canPerformBluegreenDeployment/, () => ({ canPerformBluegreenDeployment: true })],
  [/validateWireGuardPeers/, () => ({ validateWireGuardPeers: { invalidPeerIps: [] } })],
  [
    /\bapps\(/,
    ({ world }) => ({ apps: { pageInfo: { hasNextPage: false }, nodes: [...world.apps.values()].map(viewOf) } }),
  ],
  [/image\(ref:/, imageOf],
  [/egressIpAddresses/, () => ({ app: { machines: { nodes: [] } } })],
  [
    /currentRelease:currentReleaseUnprocessed/,
    (call, of) => ({ app: { currentRelease: releaseOf(call, of) ?? { version: 0 } } }),
  ],
  [/currentReleaseUnprocessed/, (call, of) => ({ app: { currentReleaseUnprocessed: releaseOf(call, of) } })],
  [/appcompact:app/, (call, { appName }) => ({ appcompact: viewOf(appNamed(call, appName)) })],
  [/\bapp\(name:/, (call, { appName }) => ({ app: viewOf(appNamed(call, appName)) })],
];

/** POST /graphql: always 200, errors included; what is not known here is an error that flyctl can live with. */
export function answerGraphql(call: Call): Answer {
  const { query, variables } = bodyOf(call, Query);
  const known = QUERIES.find(([word]) => word.test(query));
  try {
    if (known !== undefined) return json(200, { data: known[1](call, { appName: '', imageRef: '', ...variables }) });
  } catch (reason) {
    return failed(reason instanceof Error ? reason.message : String(reason));
  }
  return failed(query.includes('latestImageDetails') ? 'Unknown repository' : 'not simulated');
}

function failed(message: string): Answer {
  return json(200, { data: null, errors: [{ message }] });
}

// `compressedSize` has to be a decimal text; `image: null` says that there is no such image.
function imageOf(call: Call, { appName, imageRef }: Variables) {
  const app = appNamed(call, appName);
  const image = call.world.images.resolve(imageRef);
  const found = image && { id: `img-${image.digest.slice(7, 19)}`, digest: image.digest, ref: imageRef };
  return { app: { id: app.id, image: found ? { ...found, compressedSize: '1024', manifest: null } : null } };
}

function releaseOf(call: Call, { appName }: Variables) {
  const release = appNamed(call, appName).releases.at(-1);
  if (release === undefined) return null;
  return { id: release.id, version: release.version, imageRef: release.image, configDefinition: release.definition };
}

function viewOf(app: SimApp) {
  const hostname = `${app.name}.fly.dev`;
  const deployed = app.machines.length > 0;
  return {
    id: app.id,
    internalNumericId: 1,
    name: app.name,
    hostname,
    cnameTarget: hostname,
    deployed,
    network: 'default',
    status: deployed ? 'deployed' : 'pending',
    appUrl: `https://${hostname}`,
    platformVersion: 'machines',
    organization: {
      id: `org-${app.org}`,
      internalNumericId: '1',
      slug: app.org,
      rawSlug: app.org,
      name: app.org,
      paidPlan: true,
    },
    postgresAppRole: null,
    currentRelease: null,
  };
}
