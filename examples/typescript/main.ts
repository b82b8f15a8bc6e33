import { RatingsClient } from "./ratings-client.js";
declare const process: { argv: string[]; env: Record<string, string> }; // of Node.js

const client = new RatingsClient(process.argv[2]!, process.env.MUSIC_USER_TOKEN!);
const song = "1500000001", songs = Array.from({ length: 250 }, (_, n) => `${1_500_000_000 + n}`);
try {
  await client.rate("songs", song, 1);
  console.log("liked:", await client.get("songs", song));
  console.log("of 250 songs, rated:", (await client.getMany("songs", songs)).size);
  await client.rate("songs", song, undefined);
  console.log("deleted:", await client.get("songs", song));
} catch (error) {
  console.error(`failed: ${error}`);
}
