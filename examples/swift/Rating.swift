// Part of RatingsClient.swift.

enum Rating: Int, Decodable { case like = 1, dislike = -1 }

enum RatingType: String {
  case songs, albums, playlists, stations
  case musicVideos = "music-videos", libraryMusicVideos = "library-music-videos"
  case librarySongs = "library-songs", libraryAlbums = "library-albums"
  case libraryPlaylists = "library-playlists"
}

/// A failed request. Without a response, `status` is 0.
struct RatingsError: Error {
  enum Action {
    case signIn  // the user signs in to Apple Music again, or needs a subscription
    case tryLater  // after `retryAfter` seconds
    case readAgain  // in a minute, because a write may still take effect
    case report  // to the service, with `requestID`
  }
  let action: Action, status: Int, code: String, requestID: String, retryAfter: Int
}
