// What all connections of one server share. Private to the server; owned by it and by the answers
// that are still to come.
#pragma once

#include "pipeline/http/deadline_wheel.h"
#include "pipeline/http/io_loop.h"
#include "pipeline/http/password_checker.h"
#include "pipeline/http/server.h"
#include "pipeline/http/web_guard.h"
#include "storage/base/clock.h"
#include "storage/base/regex.h"
#include "storage/base/stats.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace troupe::http {

/// Counts requests by route and code; both come from small fixed sets.
class request_stats {
 public:
  explicit request_stats(registry& stats);
  void observe(const std::string& route, int code, double seconds);
  counter& refused(const std::string& reason);
  gauge& connections() { return connections_; }

 private:
  registry& registry_;
  gauge& connections_;
  std::mutex lock_;  ///< guards the maps
  std::map<std::pair<std::string, int>, counter*> counts_;
  std::map<std::string, bucket_histogram*> seconds_;
  std::map<std::string, counter*> refused_;
};

struct server_context {
  server_context(server_options o, handler h, file_system& files, const clock& c, registry& stats);

  const server_options options;
  const handler handle;
  const clock& clk;
  std::optional<regex> cors;  ///< nullopt = every origin
  std::shared_ptr<byte_budget> budget;
  std::shared_ptr<byte_budget> answers;
  web_guard guard;
  password_checker passwords;
  request_stats stats;
  std::atomic<bool> draining{false};
  std::atomic<size_t> connections{0};
  std::atomic<size_t> refusals{0};  ///< connections that only get a 503
};

class server_session;

/// One I/O thread of a server and its connections. `loop` aside, touched on that thread only.
struct server_loop {
  server_loop() : wheel(100'000'000) {}
  io_loop loop;
  deadline_wheel wheel;
  std::set<std::shared_ptr<server_session>> sessions;
};

}  // namespace troupe::http
