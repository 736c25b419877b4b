// The vocabulary of HTTP in troupe: requests, responses, the server's handler and the fetch client.
// std only; Beast, Asio, OpenSSL and libcurl stay in the .cc files of this folder.
#pragma once

#include "storage/base/result.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {

struct header {
  std::string name;
  std::string value;
};
using headers = std::vector<header>;
using params = std::vector<std::pair<std::string, std::string>>;

/// First header of that name, case-insensitive; "" if absent.
std::string_view find_header(const headers& hs, std::string_view name);

/// A request as a handler sees it: decoded once, normalised once, authorised.
struct request {
  std::string method;  ///< "GET", "POST", …
  std::string path;    ///< percent-decoded, without the route prefix, no "//" or dot segments
  params query;        ///< of the body (form POST), then of the URL; decoded, in order
  headers header_fields;
  /// Keeps the body's bytes charged to the server's byte budget; dropped with the request.
  std::shared_ptr<const void> charge;
  std::string body;  ///< as on the wire, bounded by server_options; decode with bounded_decoder
  std::string remote_address;
  bool tls = false;
  /// The URL's path is left raw here for label names ("U__…") that handlers unescape themselves.
  std::string raw_target;
  /// Turns true when the client has gone away: long work should stop. Never null in a request made
  /// by the server.
  std::shared_ptr<const std::atomic<bool>> gone;

  /// First value of a parameter, or nullopt.
  std::optional<std::string_view> param(std::string_view name) const;
  std::vector<std::string_view> params_of(std::string_view name) const;
};

/// Produces the body piece by piece: appends to `out`, returns false after the last piece. Called
/// on an I/O thread; must not block for long.
using body_stream = std::function<bool(std::string& out)>;

struct response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  headers header_fields;
  std::string body;
  body_stream stream;  ///< if set, `body` is its first piece and the rest is sent chunked
  /// Name of the route for the request metrics ("/api/v1/query"), from a fixed set; "" counts as
  /// "other".
  std::string route;
  uint64_t stream_bytes = 0;  ///< memory that `stream` holds, counted with the body
};

/// Callable once, from any thread; dropping it without a call answers 500.
using responder = std::function<void(response)>;
/// Called on an I/O thread; hands the request on and returns at once.
using handler = std::function<void(request&&, responder)>;

/// A destination shared by all fetches of it: parsed once. Made by make_endpoint (endpoint.h) from
/// URL and client settings. See endpoint.h.
class endpoint;
using endpoint_ptr = std::shared_ptr<const endpoint>;

/// Where requests get what authorises them (grant.h).
class grant_source;

struct fetch_request {
  uint64_t token = 0;  ///< echoed in the result
  endpoint_ptr to;
  std::string method = "GET";
  headers header_fields;  ///< beside those of the endpoint
  std::string body;
  /// Instead of credentials in the endpoint's settings; null = none. libcurl's client serves it.
  std::shared_ptr<const grant_source> grants;
  int64_t timeout_ms = 10'000;
  uint64_t max_body_bytes = 64ULL << 20;  ///< decoded
  /// Monotonic ns of the next expected fetch of this endpoint: the idle connection whose next use
  /// is farthest is closed first.
  int64_t next_use_ns = 0;
  /// New connections take the addresses of the host's name in turn. Not with a proxy.
  bool rotate_addresses = false;
  bool want_headers = false;  ///< fill fetch_result::header_fields
  /// The result may be held back for up to 50 ms, to be handed out with others.
  bool patient = false;
  /// A compressed body may stay as it came: whoever reads the result calls expand_body()
  /// (client_body.h) first.
  bool keep_coded = false;
};

struct coded_body;

struct fetch_result {
  uint64_t token = 0;
  status error;  ///< transport, limit or decode failure; ok for any HTTP status
  int code = 0;  ///< HTTP status
  std::string content_type;
  /// Keeps the body's bytes charged to the client's byte budget; dropped with the result.
  std::shared_ptr<const void> charge;
  std::string body;  ///< decompressed
  /// Instead of charge and body; only after fetch_request::keep_coded.
  std::shared_ptr<coded_body> coded;
  uint64_t wire_bytes = 0;
  int64_t started_ms = 0;  ///< wall clock when the fetch began
  int64_t duration_ns = 0;
  headers header_fields;  ///< of the response; filled only for fetch_request with want_headers
};

/// Asynchronous HTTP client. fetch() takes a whole wheel slot at once; `done` is called on an I/O
/// thread with one or more finished fetches at a time, until each token was reported exactly once.
/// Thread-safe.
class fetcher {
 public:
  using done_fn = std::function<void(std::vector<fetch_result>)>;
  virtual ~fetcher() = default;
  virtual void fetch(std::vector<fetch_request> batch, done_fn done) = 0;
  /// Closes idle connections, fails what is in flight with `canceled`, waits for the I/O threads.
  virtual void stop() = 0;
};

}  // namespace troupe::http
