import type { Answer } from '../answers.js';
import type { Call } from '../call.js';

/** GET and HEAD /v2/{repository}/manifests/{reference} (OCI distribution spec, pulling manifests). */
export function getManifest(call: Call): Answer {
  const { repository = '', reference = '' } = call.params;
  const manifest = call.world.images.manifest(repository, reference);
  if (manifest === undefined) return ociError(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  const { mediaType, digest, body } = manifest;
  const headers = { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` };
  return { status: 200, body: call.request.method === 'HEAD' ? '' : body, headers };
}

/** The error shape of registries. */
export function ociError(status: number, code: string, message: string): Answer {
  return { status, body: JSON.stringify({ errors: [{ code, message, detail: null }] }) };
}
