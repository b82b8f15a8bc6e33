// An app on the generated client of docs/openapi.yaml: `node app.js URL TOKEN`.

import {
  Configuration, ErrorsResponseFromJSON, RatingsApi, RatingType, ResponseError, type ApiError,
} from "./typescript-fetch/index.js";

declare const process: { argv: [string, string, string, string] };
const [, , basePath, token] = process.argv;

const api = new RatingsApi(new Configuration({
  basePath,
  // The same function is called for both keys. A plain string would also go out as x-api-key.
  apiKey: (header) => (header === "Music-User-Token" ? token : ""),
}));
const song = { type: RatingType.librarySongs, id: "i.generatedClient" };

async function errorOf(call: Promise<unknown>): Promise<ApiError | undefined> {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof ResponseError) {
      return ErrorsResponseFromJSON(await thrown.response.json()).errors[0];
    }
    throw thrown;
  }
  return undefined;
}

async function write(value: number): Promise<number | undefined> {
  const written = await api.setRating({ ...song, ratingRequest: { attributes: { value } } });
  return written.data[0]?.attributes.value;
}

const ids = ["i.7PJNN4mfXlD68R", "i.neverRated", song.id];
const seen: Record<string, unknown> = {
  like: await write(1),
  dislike: await write(-1),
  get: (await api.getRating(song)).data[0],
  list: (await api.listRatings({ type: song.type, ids })).data.map(
    (rating) => [rating.id, rating.attributes.value],
  ),
  unlike: await api.deleteRating(song),
  notRated: await errorOf(api.getRating(song)),
  invalid: await errorOf(write(0)),
};
console.log(JSON.stringify(seen));
