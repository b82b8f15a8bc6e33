// Part of RatingsClient.kt: MusicKit for Android needs a developer token to sign a user in.

import RatingsException.Action
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import okhttp3.OkHttpClient
import okhttp3.Request
import org.json.JSONObject

private val http = OkHttpClient.Builder().followRedirects(false).callTimeout(12.seconds).build()

/**
 * Returns a developer token, which is valid for a few minutes: get one for each sign-in.
 * Throws [RatingsException], or another [java.io.IOException] if there is no response.
 */
suspend fun getDeveloperToken(url: String, apiKey: String? = null): String =
    runInterruptible(Dispatchers.IO) {
        val request = Request.Builder().url("$url/developer-token")
            .apply { apiKey?.let { header("X-Api-Key", it) } }.build()
        http.newCall(request).execute().use { response ->
            val document = runCatching { JSONObject(response.body.string()) }.getOrNull()
            document?.optString("token").orEmpty().ifEmpty {
                val error = document?.optJSONArray("errors")?.optJSONObject(0)
                val isTemporary = response.code == 429 || response.code >= 500
                throw RatingsException(
                    if (isTemporary) Action.TRY_LATER else Action.REPORT, response.code,
                    error?.optString("code").orEmpty(), response.header("X-Request-Id").orEmpty(),
                    response.header("Retry-After")?.toIntOrNull() ?: 5,
                )
            }
        }
    }
