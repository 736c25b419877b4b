// The HTTP API: a table of routes and plain handlers, request in, answer out; no sockets, no
// actors. Handlers may run on several threads at once; the api object is immutable after
// construction.
#pragma once

#include "pipeline/api/services.h"
#include "pipeline/http/http.h"
#include "pipeline/ingest/ingester.h"
#include "storage/model/batch.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::config {
struct config;
}
namespace troupe::discover {
struct discovery_state;
}
namespace troupe::scrape {
struct pool_states;
}

namespace troupe::api {

/// Where a handler runs and what the caller must gather before.
enum class route_kind : unsigned char {
  immediate,  ///< constant work, on the bridge itself (/-/healthy, /-/ready, redirects, 404)
  query,      ///< reads data: on a query worker, counts against query.max-concurrency
  read,       ///< as query; also counts against storage.remote.read-concurrent-limit
  cheap,      ///< some work but no query (status, metrics, the page): on a query worker of its own
              ///< reserve
  targets,    ///< as cheap, with `inputs::pools` and `inputs::discovery` filled in
  write,      ///< decodes a body and gives a store_request, alone of all: on a receiver
  feed,       ///< carried out by the federation's source, which may answer much later
  admin,      ///< on the maintenance thread
  reload,     ///< the configuration actor; its status goes to reload_answer()
  quit,       ///< the node's ordered stop
};

/// What the bridge gathered for one call.
struct inputs {
  std::shared_ptr<const config::config> config;
  std::string config_yaml;  ///< as /api/v1/status/config prints it
  std::vector<std::shared_ptr<const scrape::pool_states>> pools;
  std::shared_ptr<const discover::discovery_state> discovery;
  /// Of a remote read: kept until its last byte is made, while it counts as under way.
  std::shared_ptr<const void> permit;
};

/// Batches to store (all of them, or the call failed), then the answer from their outcomes.
struct store_request {
  std::vector<batch_ptr> batches;
  std::function<http::response(const std::vector<ingest::outcome>&)> finish;
};
using answer = std::variant<http::response, store_request>;

struct route {
  std::string_view methods;  ///< "GET POST"
  std::string_view path;     ///< exact, with one ":name" segment, or its beginning before a "*"
  route_kind kind;
  answer (*handle)(const services&, const http::request&, const inputs&);
  /// Why the route is closed, "" if it is not; null: it never is by itself.
  std::string_view (*closed)(const services&) = nullptr;
};

class api {
 public:
  explicit api(services s);

  struct match {
    const route* to = nullptr;  ///< null: `refusal` is the answer
    http::response refusal;     ///< 404, 405 with Allow, 403 for a disabled group of routes
  };
  match find(const http::request& r) const;
  /// Runs the route's handler. Never throws; a failure is a response in Prometheus' error shape.
  answer handle(const route& to, const http::request& r, const inputs& in) const;
  /// All routes, for tests that walk them.
  static const std::vector<route>& routes();

 private:
  services services_;
};

/// {"status":"error","errorType":…,"error":…} with the status code Prometheus uses for it.
http::response error_response(int code, std::string_view type, std::string_view message);
http::response reload_answer(const status& s);
/// 503 with Retry-After, for a full queue or a node that is not ready.
http::response overloaded(std::string_view why);

}  // namespace troupe::api
