// Serves any number of scrape targets in one thread: one listening socket for all of 127.0.0.0/8,
// epoll, kept-alive connections. Target i is 127.1.0.0 + i; each scrape of it gives the next row of
// host i. For load tests on this machine: peers from elsewhere are turned away.
//   GET /metrics  the target's next row, gzip if the client takes it
//   GET /sd       all targets for http_sd_configs
//   GET /count    the number of scrapes so far
// One owner; run() blocks.
#pragma once

#include "pipeline/bench/profile.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::bench {

struct farm_options {
  uint16_t port = 0;   ///< 0: the kernel chooses
  size_t targets = 1;  ///< at most 2^24 - 2^16
  uint64_t seed = 1;
  bool gzip = true;  ///< offer it
};

struct farm_counts {
  uint64_t scrapes = 0;
  uint64_t samples = 0;
  uint64_t wire_bytes = 0;  ///< of bodies
};

class target_farm {
 public:
  target_farm(profile_ptr shape, const farm_options& options);
  ~target_farm();
  target_farm(const target_farm&) = delete;
  target_farm& operator=(const target_farm&) = delete;

  status open();
  uint16_t port() const { return port_; }
  /// "127.1.0.7:9100"
  std::string instance(size_t target) const;
  /// JSON as http_sd and file_sd read it.
  std::string discovery() const;
  /// Serves until `stop` says so (asked at least five times a second), then closes all connections.
  status run(const std::function<bool()>& stop);
  const farm_counts& counts() const { return counts_; }
  /// Rows served to a target so far.
  uint64_t rows(size_t target) const { return targets_[target].rows; }

 private:
  struct target {
    std::unique_ptr<value_source> values;  ///< made at the first scrape
    uint64_t rows = 0;
  };
  struct connection {
    std::string in, out;
    size_t target = 0;
    bool waits_to_write = false;
  };

  void accept_all();
  void read_from(int fd);
  /// False if the connection is to be closed.
  bool answer_all(connection& c);
  void write_to(int fd, connection& c);
  void watch(int fd, bool writable, bool fresh) const;
  void drop(int fd);
  void append_metrics(connection& c, bool gzip);

  const profile_ptr shape_;
  const farm_options options_;
  uint16_t port_ = 0;
  int listener_ = -1, epoll_ = -1;
  std::vector<target> targets_;
  std::unordered_map<int, connection> connections_;
  farm_counts counts_;
  std::vector<double> row_;
  std::string body_;
};

/// The exposition of one row: comments and series as in the profile, shortest decimal values.
void render_exposition(const profile& shape, std::span<const double> row, std::string& out);

}  // namespace troupe::bench
