import Foundation

let client = RatingsClient(
  url: URL(string: CommandLine.arguments[1])!,
  userToken: ProcessInfo.processInfo.environment["MUSIC_USER_TOKEN"]!)
do {
  try await client.rate(.songs, "1500000001", .like)
  print("liked:", try await client.rating(.songs, "1500000001")?.rawValue ?? "none")
  let songs = try await client.ratings(.songs, (0..<250).map { String(1_500_000_000 + $0) })
  print("of 250 songs, rated:", songs.count)
  try await client.rate(.songs, "1500000001", nil)
  print("deleted:", try await client.rating(.songs, "1500000001")?.rawValue ?? "none")
} catch let error as RatingsError {
  print("failed:", error)
}
