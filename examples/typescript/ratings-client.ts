/** A user's Apple Music ratings, with fetch. Copy this file; docs/apps.md explains it. */

export type Rating = 1 | -1; // a like, a dislike
export type RatingType =
  | "songs" | "albums" | "music-videos" | "playlists" | "stations"
  | "library-songs" | "library-albums" | "library-music-videos" | "library-playlists";
export type Action =
  | "sign-in" // the user signs in to Apple Music again, or needs a subscription
  | "try-later" // after `retryAfter` seconds
  | "read-again" // in a minute, because a write may still take effect
  | "report"; // to the service, with `requestId`

interface Resource { id: string; attributes: { value: Rating } }

/** A failed request. Without a response, `status` is 0. */
export class RatingsError extends Error {
  constructor(
    readonly action: Action, readonly status: number, readonly code: string,
    readonly requestId: string, readonly retryAfter: number,
  ) {
    super(`${action}: status ${status}, code ${code || "none"}, request ${requestId}`);
  }
}

/** The ratings of one user. Methods reject with RatingsError, or once `signal` is aborted. */
export class RatingsClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, userToken: string, apiKey?: string) {
    this.#url = `${url}/v1/me/ratings`;
    this.#headers = { "Music-User-Token": userToken, ...(apiKey && { "X-Api-Key": apiKey }) };
  }

  /** The rating of an item, or undefined if the item is not rated. */
  async get(type: RatingType, id: string, signal?: AbortSignal) {
    return (await this.#send("GET", `${type}/${id}`, signal)).get(id);
  }

  /** The ratings by id, without unrated items; 100 items per request. */
  async getMany(type: RatingType, ids: readonly string[], signal?: AbortSignal) {
    const found = new Map<string, Rating>();
    for (let first = 0; first < ids.length; first += 100) {
      const path = `${type}?ids=${ids.slice(first, first + 100).join(",")}`;
      (await this.#send("GET", path, signal)).forEach((rating, id) => found.set(id, rating));
    }
    return found;
  }

  /** Likes (1) or dislikes (-1) an item, or deletes its rating (undefined). */
  async rate(type: RatingType, id: string, rating: Rating | undefined, signal?: AbortSignal) {
    const body = rating ? JSON.stringify({ type: "rating", attributes: { value: rating } }) : null;
    try {
      await this.#send(rating ? "PUT" : "DELETE", `${type}/${id}`, signal, body);
    } catch (error) {
      if (!(error instanceof RatingsError) || error.action !== "read-again") throw error;
      await seconds(2, signal); // Apple's reads include a write about a second later
      if ((await this.get(type, id, signal).catch(() => NaN)) !== rating) throw error;
    }
  }

  async #send(
    method: string, path: string, signal?: AbortSignal, body: string | null = null, tries = 2,
  ): Promise<Map<string, Rating>> {
    const headers = { ...this.#headers, ...(body && { "Content-Type": "application/json" }) };
    const response = await fetch(`${this.#url}/${path}`, {
      method, headers, body, redirect: "error", credentials: "omit",
      signal: AbortSignal.any([AbortSignal.timeout(12_000), ...(signal ? [signal] : [])]),
    }).catch(() => signal?.throwIfAborted());
    const status = response?.status ?? 0, isRead = method === "GET";
    const document = status === 204 ? { data: [] } : await response?.json().catch(() => null);
    const code: string = document?.errors?.[0]?.code ?? "";
    const data: Resource[] | undefined = isRead && code === "40400" ? [] : document?.data;
    if (data) return new Map(data.map(({ id, attributes }) => [id, attributes.value]));
    const wait = Number(response?.headers.get("Retry-After"));
    if (tries > 1 && wait >= 1 && wait <= 10) {
      await seconds(wait, signal);
      return this.#send(method, path, signal, body, tries - 1);
    }
    const failed = [0, 500, 502, 504].includes(status);
    const action = (status === 401 && code !== "40192") || code === "40300" ? "sign-in"
      : status === 429 || status === 503 || (failed && isRead) ? "try-later"
      : failed ? "read-again" : "report";
    const requestId = response?.headers.get("X-Request-Id") ?? "";
    throw new RatingsError(action, status, code, requestId, wait || 5);
  }
}

const seconds = (count: number, signal?: AbortSignal) => new Promise((resolve, reject) => {
  setTimeout(resolve, count * 1000);
  signal?.addEventListener("abort", () => reject(signal.reason));
});
