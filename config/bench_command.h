// `troupe bench …` as a plain struct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::config {

/// How a bench sends samples: remote write 1.0 or 2.0, or OTLP in protobuf.
enum class load_protocol : unsigned char { write_v1, write_v2, otlp };

/// Durations in milliseconds. Which fields act depends on `what`; see the usage text.
struct bench_command {
  enum class kind : unsigned char { write, scrape, query, churn, audit };
  kind what = kind::write;
  bool json = false;                             ///< --output json
  std::string server = "http://localhost:9090";  ///< scrape: "" unless given; for the audit
  std::string http_config_file;                  ///< an http_config as YAML; "": none
  int64_t timeout_ms = 60'000;                   ///< of one request
  std::string profile = "node";
  std::string recording;  ///< file; "": the built-in one
  uint64_t seed = 1;
  uint64_t width = 0;  ///< series of a host or target; 0: the profile's
  // write, churn
  uint64_t series = 10'000;         ///< active at any time
  double churn = 0;                 ///< new series at each step
  int64_t duration_ms = 3'600'000;  ///< simulated; scrape, query: real, 0 = until stopped
  int64_t step_ms = 15'000;
  int64_t end_ms = 0;  ///< instant of the last sample; 0: now
  uint64_t samples_per_request = 2'000;
  uint64_t in_flight = 4;
  double rate = 0;  ///< samples a second; 0: as fast as possible
  int64_t retry_ms = 60'000;
  load_protocol protocol = load_protocol::write_v1;
  std::string path;  ///< of the route that takes them, below the server; "": Prometheus'
  bool audit = false;
  std::string ledger;  ///< file to write; audit: to read
  // scrape
  uint64_t targets = 200;
  uint16_t port = 9100;
  bool gzip = true;
  std::string sd_file;  ///< file_sd JSON to write; "": none
  // query
  std::vector<std::string> instant, range;  ///< instead of the profile's mix
  int64_t range_ms = 3'600'000;
  uint64_t count = 0;  ///< queries in all; 0: for duration_ms
};

}  // namespace troupe::config
