/** Gets a developer token, with which MusicKit on the Web signs a user in: see docs/apps.md. */

import { RatingsError } from "./ratings-client.js";

/**
 * A token for pages of this page's origin, which MusicKit accepts until `expiresAt`.
 *
 * Rejects with RatingsError. Its `status` is 0 if no script of this origin may read the response.
 */
export async function getDeveloperToken(url: string, apiKey?: string) {
  const response = await fetch(`${url}/developer-token`, {
    headers: apiKey ? { "X-Api-Key": apiKey } : {},
    redirect: "error", credentials: "omit", signal: AbortSignal.timeout(12_000),
  }).catch(() => undefined);
  const document = await response?.json().catch(() => null);
  if (document?.token) {
    return { token: String(document.token), expiresAt: new Date(document.expiresAt) };
  }
  const status = response?.status ?? 0;
  const isTemporary = status === 0 || status === 429 || status >= 500;
  const code = document?.errors?.[0]?.code ?? "";
  const requestId = response?.headers.get("X-Request-Id") ?? "";
  const wait = Number(response?.headers.get("Retry-After")) || 5;
  throw new RatingsError(isTemporary ? "try-later" : "report", status, code, requestId, wait);
}
