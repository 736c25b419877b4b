// All destinations of remote_write: makes them of the configuration, keeps those that did not
// change, forgets cursors and holds of those that are gone. Plain class behind the send actor; one
// owner; times are passed in.
#pragma once

#include "config/config.h"
#include "pipeline/discover/environment.h"
#include "pipeline/send/destination.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::send {

struct writer_environment {
  storage::log_door* log = nullptr;
  file_system* files = nullptr;
  registry* metrics = nullptr;
  memory_budget* memory = nullptr;  ///< of the process; null: no bound
  discover::endpoint_factory endpoints;
  metadata_source described;
  std::function<std::string(const std::string& name)> environment;
  std::string folder;  ///< of the cursors; made if it is missing
};

class remote_writer {
 public:
  remote_writer(destination_options options, writer_environment env);
  ~remote_writer();

  /// Takes a configuration in force.
  void apply(const std::shared_ptr<const config::config>& conf);
  /// The requests to make now. Call ten times a second and after every result.
  std::vector<http::fetch_request> step(timestamp_ms now_ms, int64_t now_ns);
  void on_result(const http::fetch_result& got, timestamp_ms now_ms, int64_t now_ns);

  /// There are no destinations.
  bool empty() const { return targets_.empty(); }
  void stop();
  bool idle() const;
  /// Makes all cursors durable.
  void flush();

 private:
  struct target;

  void start(target& t, int64_t now_ns);
  status make(target& t);

  const destination_options options_;
  writer_environment env_;
  std::shared_ptr<const config::config> conf_;
  std::vector<std::unique_ptr<target>> targets_;
  bool first_ = true;  ///< no configuration was in force before
  bool to_forget_ = false;
  bool stopping_ = false;
  uint64_t next_token_ = 1;
};

}  // namespace troupe::send
