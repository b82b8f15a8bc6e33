// A user's Apple Music ratings, with OkHttp 5, coroutines and org.json, which is part of Android
// and needs no compiler plug-in. Copy this file and Rating.kt; docs/apps.md explains them. CI
// checks their syntax only; they were compiled and run with Kotlin 2.4 and OkHttp 5.5 on Java 17.

import RatingsException.Action
import java.io.IOException
import kotlin.coroutines.resume
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.delay
import kotlinx.coroutines.suspendCancellableCoroutine
import okhttp3.Call
import okhttp3.Callback
import okhttp3.Headers
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import okhttp3.Response
import org.json.JSONObject

/** The ratings of one user. Methods throw [RatingsException]; cancellation ends the request. */
class RatingsClient(url: String, userToken: String, apiKey: String? = null) {
    private class Answer(val status: Int, val headers: Headers, val body: String)

    private val url = url.toHttpUrl().newBuilder().addPathSegments("v1/me/ratings").build()
    private val headers = Headers.Builder().add("Music-User-Token", userToken)
        .apply { apiKey?.let { add("X-Api-Key", it) } }.build()
    // A redirect would send the user's token to another host.
    private val http = OkHttpClient.Builder().followRedirects(false).callTimeout(12.seconds).build()

    /** Returns the rating of an item, or null if the item is not rated. */
    suspend fun get(type: RatingType, id: String): Rating? = send("GET", type, id)[id]

    /** Returns the ratings by id, without unrated items; 100 items per request. */
    suspend fun getMany(type: RatingType, ids: List<String>): Map<String, Rating> =
        buildMap { ids.chunked(100).forEach { putAll(send("GET", type, ids = it)) } }

    /** Likes or dislikes an item, or deletes its rating (null). */
    suspend fun rate(type: RatingType, id: String, rating: Rating?) {
        try {
            send(if (rating == null) "DELETE" else "PUT", type, id, rating)
        } catch (error: RatingsException) {
            if (error.action != Action.READ_AGAIN) throw error
            delay(2.seconds) // Apple's reads include a write about a second later
            val isApplied = try { get(type, id) == rating } catch (_: RatingsException) { false }
            if (!isApplied) throw error
        }
    }

    private suspend fun send(
        method: String, type: RatingType, id: String? = null, rating: Rating? = null,
        ids: List<String>? = null, tries: Int = 2,
    ): Map<String, Rating> {
        val target = url.newBuilder().addPathSegment(type.path)
        id?.let { target.addPathSegment(it) }
        ids?.let { target.addQueryParameter("ids", it.joinToString(",")) }
        val body = rating?.let { """{"type": "rating", "attributes": {"value": ${it.value}}}""" }
            ?.toRequestBody("application/json".toMediaType())
        val request = Request.Builder().url(target.build()).headers(headers).method(method, body)
        val answer = exchange(request.build())
        val document = runCatching { JSONObject(answer!!.body) }.getOrNull()
        val status = answer?.status ?: 0
        val code = document?.optJSONArray("errors")?.optJSONObject(0)?.optString("code").orEmpty()
        if (status == 204 || (method == "GET" && code == "40400")) return emptyMap()
        document?.optJSONArray("data")?.let { data ->
            return (0 until data.length()).map(data::getJSONObject).associate { each ->
                val value = each.getJSONObject("attributes").getInt("value")
                each.getString("id") to Rating.entries.first { it.value == value }
            }
        }
        val wait = answer?.headers?.get("Retry-After")?.toIntOrNull() ?: 0
        if (tries > 1 && wait in 1..10) {
            delay(wait.seconds)
            return send(method, type, id, rating, ids, tries - 1)
        }
        val failed = status in listOf(0, 500, 502, 504)
        val action = when {
            (status == 401 && code != "40192") || code == "40300" -> Action.SIGN_IN
            status == 429 || status == 503 || (failed && method == "GET") -> Action.TRY_LATER
            else -> if (failed) Action.READ_AGAIN else Action.REPORT
        }
        val requestId = answer?.headers?.get("X-Request-Id").orEmpty()
        throw RatingsException(action, status, code, requestId, if (wait > 0) wait else 5)
    }

    private suspend fun exchange(request: Request): Answer? = suspendCancellableCoroutine { next ->
        val call = http.newCall(request)
        next.invokeOnCancellation { call.cancel() }
        call.enqueue(object : Callback {
            override fun onFailure(call: Call, e: IOException) = next.resume(null)
            override fun onResponse(call: Call, response: Response) =
                next.resume(runCatching { response.use { read(it) } }.getOrNull())
        })
    }

    private fun read(response: Response) =
        Answer(response.code, response.headers, response.body.string())
}
