// The target groups of one service discovery: static ones, those of files and those that HTTP
// answers give. What a source last found well stays. One owner; times are passed in.
#pragma once

#include "config/sd_config.h"
#include "pipeline/discover/environment.h"
#include "pipeline/discover/file_sd.h"
#include "pipeline/discover/http_sd.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::discover {

/// Failures of all discoveries of a node.
struct source_figures {
  explicit source_figures(registry& r);
  counter& file_errors;
  counter& http_errors;
};

class group_sources {
 public:
  /// `owner` is how messages name it ("job node"). `before`, which may be null, gives away the
  /// sources that did not change. `next_token` numbers the fetches.
  group_sources(std::string owner, const config::service_discovery& config, group_sources* before,
                const discovery_environment& env, source_figures& figures, uint64_t& next_token,
                int64_t now_ns);

  /// To be watched.
  void add_folders(std::vector<std::string>& out) const;
  void read_all_files(int64_t now_ns);
  /// Reads the files that are due or whose folder is in `changed`; true if any was due.
  bool read_files(int64_t now_ns, const std::vector<std::string>& changed);
  /// Adds the http_sd fetches that are due; their results go to on_result().
  void start_fetches(int64_t now_ns, std::vector<http::fetch_request>& out);
  /// True if the fetch was one of these.
  bool on_result(const http::fetch_result& got);

  /// True if groups or errors changed since the last call; true at first.
  bool take_changed();
  void for_each_group(const std::function<void(const config::target_group&)>& f) const;
  /// Of sources whose last refresh failed.
  std::vector<std::string> errors() const;

 private:
  struct file_source {
    file_sd sd;
    int64_t next_ns = 0;
  };
  struct http_source {
    http_sd sd;
    uint64_t token = 0;  ///< 0: given away
    int64_t next_ns = 0;
    bool in_flight = false;
  };
  void read_file(file_source& f, int64_t now_ns);
  http_source* take_http(const config::http_sd_config& config);

  std::string owner_;
  std::vector<config::target_group> static_groups_;
  std::vector<file_source> files_;
  std::vector<http_source> https_;
  source_figures* figures_;
  bool changed_ = true;
};

}  // namespace troupe::discover
