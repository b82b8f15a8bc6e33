// A user's Apple Music ratings: iOS 16, macOS 13. Copy this file and Rating.swift; docs/apps.md
// explains them. CI checks their syntax only; they were compiled and run with Swift 6.0 on Linux.
import Foundation

/// The ratings of one user. Methods throw `RatingsError`, or `CancellationError`.
final class RatingsClient: NSObject, URLSessionTaskDelegate {
  private struct Document: Decodable {
    struct Attributes: Decodable { let value: Rating }
    struct Resource: Decodable { let id: String, attributes: Attributes }
    struct Failure: Decodable { let code: String }
    let data: [Resource]?, errors: [Failure]?
  }

  private let url: URL, headers: [String: String]
  private let session = URLSession(configuration: .ephemeral)  // keeps nothing on disk

  init(url: URL, userToken: String, apiKey: String? = nil) {
    self.url = url.appending(path: "v1/me/ratings")
    headers = ["Music-User-Token": userToken, "X-Api-Key": apiKey].compactMapValues { $0 }
  }

  /// Returns the rating of an item, or nil if the item is not rated.
  func rating(_ type: RatingType, _ id: String) async throws -> Rating? {
    try await send("GET", "\(type.rawValue)/\(id)")[id]
  }

  /// Returns the ratings by id, without unrated items; 100 items per request.
  func ratings(_ type: RatingType, _ ids: [String]) async throws -> [String: Rating] {
    var found: [String: Rating] = [:]
    for first in stride(from: 0, to: ids.count, by: 100) {
      let batch = ids[first..<min(first + 100, ids.count)].joined(separator: ",")
      let query = [URLQueryItem(name: "ids", value: batch)]
      found.merge(try await send("GET", type.rawValue, query: query)) { $1 }
    }
    return found
  }

  /// Likes or dislikes an item, or deletes its rating (nil).
  func rate(_ type: RatingType, _ id: String, _ rating: Rating?) async throws {
    do {
      _ = try await send(rating == nil ? "DELETE" : "PUT", "\(type.rawValue)/\(id)", rating)
    } catch let error as RatingsError where error.action == .readAgain {
      try await Task.sleep(for: .seconds(2))  // Apple's reads include a write a second later
      do { if try await self.rating(type, id) == rating { return } } catch {}
      throw error
    }
  }

  private func send(
    _ method: String, _ path: String, _ rating: Rating? = nil, query: [URLQueryItem] = [],
    tries: Int = 2
  ) async throws -> [String: Rating] {
    let target = url.appending(path: path).appending(queryItems: query)
    var request = URLRequest(url: target, timeoutInterval: 12)
    request.httpMethod = method
    request.allHTTPHeaderFields = headers
    if let rating {
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
      let body = #"{"type": "rating", "attributes": {"value": \#(rating.rawValue)}}"#
      request.httpBody = Data(body.utf8)
    }
    let answer = try? await session.data(for: request, delegate: self)
    try Task.checkCancellation()
    let response = answer?.1 as? HTTPURLResponse, status = response?.statusCode ?? 0
    let document = try? JSONDecoder().decode(Document.self, from: answer?.0 ?? Data())
    let code = document?.errors?.first?.code ?? "", isRead = method == "GET"
    if let data = status == 204 || (isRead && code == "40400") ? [] : document?.data {
      return Dictionary(data.map { ($0.id, $0.attributes.value) }) { $1 }
    }
    let wait = Int(response?.value(forHTTPHeaderField: "Retry-After") ?? "") ?? 0
    if tries > 1, 1...10 ~= wait {
      try await Task.sleep(for: .seconds(wait))
      return try await send(method, path, rating, query: query, tries: tries - 1)
    }
    let failed = [0, 500, 502, 504].contains(status)
    let action: RatingsError.Action =
      (status == 401 && code != "40192") || code == "40300" ? .signIn
      : [429, 503].contains(status) || (failed && isRead) ? .tryLater
      : failed ? .readAgain : .report
    let requestID = response?.value(forHTTPHeaderField: "X-Request-Id") ?? ""
    throw RatingsError(
      action: action, status: status, code: code, requestID: requestID,
      retryAfter: wait > 0 ? wait : 5)
  }

  // A redirect would send the user's token to another host.
  func urlSession(
    _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse,
    newRequest _: URLRequest
  ) async -> URLRequest? { nil }
}
