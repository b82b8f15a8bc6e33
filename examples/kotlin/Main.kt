import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

fun main(arguments: Array<String>) = runBlocking<Unit> {
    val client = RatingsClient(arguments[0], System.getenv("MUSIC_USER_TOKEN"))
    try {
        client.rate(RatingType.SONGS, "1500000001", Rating.LIKE)
        println("liked: ${client.get(RatingType.SONGS, "1500000001")?.value}")
        val songs = client.getMany(RatingType.SONGS, List(250) { "${1_500_000_000 + it}" })
        println("of 250 songs, rated: ${songs.size}")
        client.rate(RatingType.SONGS, "1500000001", null)
        println("deleted: ${client.get(RatingType.SONGS, "1500000001")?.value}")
    } catch (error: RatingsException) {
        println("failed: ${error.message}")
    }
    exitProcess(0) // OkHttp's idle threads would keep the JVM alive for a minute
}
