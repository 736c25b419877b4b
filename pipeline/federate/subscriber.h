// All sources that this node takes over from, over HTTP: makes subscriptions of the configuration,
// keeps those that did not change, forgets those that are gone. Plain class behind the federation
// actor; one owner; times are passed in.
#pragma once

#include "config/config.h"
#include "pipeline/discover/environment.h"
#include "pipeline/federate/subscription.h"
#include "pipeline/http/http.h"
#include "pipeline/stages/stage_switches.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::federate {

struct subscriber_environment {
  file_system* files = nullptr;
  registry* metrics = nullptr;
  discover::endpoint_factory endpoints;
  remote::series_cache* known = nullptr;
  std::string folder;                          ///< of the cursors; made if it is missing
  std::string node;                            ///< this one's id
  stages::stage_switches* switches = nullptr;  ///< null: nothing is ever paused
};

/// To be stored; `token` goes to on_stored().
struct delivery {
  uint64_t token = 0;
  std::vector<batch_ptr> batches;
};

class subscriber {
 public:
  explicit subscriber(subscriber_environment env);
  ~subscriber();

  /// Takes a configuration in force.
  void apply(const std::shared_ptr<const config::config>& conf);
  /// The requests to make now. Call ten times a second and after every result.
  std::vector<http::fetch_request> step(int64_t now_ns);
  std::optional<delivery> on_result(http::fetch_result got, int64_t now_ns);
  void on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes, int64_t now_ns);
  /// Those with an answer since the last call: name, and until how long ago, in ms, their samples
  /// are complete.
  std::vector<std::pair<std::string, int64_t>> take_progress();

  /// There are no subscriptions.
  bool empty() const { return targets_.empty() && farewells_.empty(); }
  void stop();
  /// Nothing waits to be stored.
  bool idle() const;

 private:
  struct target;

  void start(target& t, int64_t now_ns);
  status make(target& t, int64_t now_ns);
  void leave(const target& t);
  void look_at_switch(target& t, int64_t now_ns);
  target* find(uint64_t token);
  std::string cursor_path(const std::string& name) const;

  subscriber_environment env_;
  std::vector<std::unique_ptr<target>> targets_;
  std::vector<http::fetch_request> farewells_;  ///< to sources that are to keep nothing any more
  bool stopping_ = false;
  uint64_t next_token_ = 1;
};

}  // namespace troupe::federate
