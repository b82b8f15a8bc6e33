// Part of RatingsClient.kt.

import java.io.IOException

enum class Rating(val value: Int) { LIKE(1), DISLIKE(-1) }

enum class RatingType(val path: String) {
    SONGS("songs"), ALBUMS("albums"), MUSIC_VIDEOS("music-videos"), PLAYLISTS("playlists"),
    STATIONS("stations"), LIBRARY_SONGS("library-songs"), LIBRARY_ALBUMS("library-albums"),
    LIBRARY_MUSIC_VIDEOS("library-music-videos"), LIBRARY_PLAYLISTS("library-playlists"),
}

/** A failed request. Without a response, `status` is 0. */
class RatingsException(
    val action: Action, val status: Int, val code: String, val requestId: String,
    val retryAfter: Int,
) : IOException("$action: status $status, code $code, request $requestId") {
    enum class Action {
        SIGN_IN, // the user signs in to Apple Music again, or needs a subscription
        TRY_LATER, // after `retryAfter` seconds
        READ_AGAIN, // in a minute, because a write may still take effect
        REPORT, // to the service, with `requestId`
    }
}
