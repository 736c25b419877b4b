// The command line as plain structs: every flag of Prometheus 3's server mode, troupe's own, and
// the subcommands. Parsed once by main; immutable afterwards.
#pragma once

#include "config/bench_command.h"
#include "config/drill_command.h"
#include "config/replay_command.h"
#include "config/rules_command.h"
#include "config/storage_command.h"
#include "storage/base/file_system.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

/// --web.* and --troupe.web.*; durations in milliseconds, sizes in bytes.
struct web_flags {
  std::vector<std::string> listen_address = {"0.0.0.0:9090"};
  std::string config_file;
  int64_t read_timeout_ms = 30'000;  ///< whole request (Prometheus: 5m)
  uint64_t max_connections = 512;
  std::string external_url;
  std::string route_prefix;  ///< "": the path of external_url, else "/"
  std::string page_title = "Prometheus Time Series Collection and Processing Server";
  std::string cors_origin = ".*";
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  bool enable_remote_write_receiver = false;
  bool enable_otlp_receiver = false;
  bool enable_import = false;
  bool enable_pushgateway = false;
  bool accept_write_v1 = true, accept_write_v2 = true;  ///< Prometheus: 1.0 only
  uint64_t max_header_bytes = 32ULL << 10;
  int64_t header_timeout_ms = 5'000;
  int64_t idle_timeout_ms = 60'000;
  int64_t write_timeout_ms = 30'000;
  uint64_t min_rate_bytes = 1ULL << 10;  ///< per second, of a request body
  uint64_t max_body_bytes = 32ULL << 20;
  uint64_t in_flight_bytes = 256ULL << 20;  ///< of request bodies and what they decode to
  uint64_t answer_bytes = 256ULL << 20;     ///< of answers that wait for their clients
  uint64_t io_threads = 2;
};

/// How long samples of the series that a selector matches are kept.
struct retention_rule_flag {
  std::string selector;      ///< as written; a valid one if flag_checks could tell
  int64_t retention_ms = 0;  ///< 0: for ever
  bool operator==(const retention_rule_flag&) const = default;
};

/// --troupe.influx.*: InfluxDB's line protocol.
struct influx_flags {
  std::string separator = "_";  ///< between measurement and field
  std::string db_label = "db";
  bool skip_single_field = false, skip_measurement = false;
  std::vector<std::string> databases = {"_internal"};
};

struct storage_flags {
  std::string path = "data/";
  std::optional<int64_t> retention_time_ms;  ///< the file's storage.tsdb.retention wins
  std::optional<uint64_t> retention_size;
  std::vector<retention_rule_flag> retention_rules;  ///< the first that matches a series decides
  bool no_lockfile = false;
  int64_t min_block_ms = 2 * 3600 * 1000;
  int64_t block_reload_ms = 60'000;     ///< between rounds of background work
  std::optional<int64_t> max_block_ms;  ///< unset: 10 % of the retention, at most 31 d
  uint64_t wal_segment_bytes = 0;       ///< 0: the engine's default
  bool wal_compression = true;
  std::string wal_sync = "always";     ///< always, interval or os
  int64_t wal_sync_interval_ms = 0;    ///< of --storage.wal.sync=interval=100ms; else 0
  uint64_t memory_limit_percent = 60;  ///< of what the process may use at all
  uint64_t memory_limit_bytes = 0;     ///< where that is 0; both 0: no bound
  uint64_t shards = 0;                 ///< 0: by the number of CPUs
  uint64_t max_series = 0;             ///< of the node; 0: no bound
  uint64_t replay_pending_bytes = 256ULL << 20;
  uint64_t scrub_bytes_per_s = 2ULL << 20;  ///< of the background check of blocks; 0: off
};

struct query_flags {
  int64_t lookback_delta_ms = 5 * 60'000;
  int64_t timeout_ms = 2 * 60'000;
  uint64_t max_concurrency = 20;
  uint64_t max_samples = 50'000'000;
  uint64_t max_bytes = 64ULL << 10;  ///< of one expression's text
  uint64_t max_nodes = 10'000;       ///< of one expression's tree
  uint64_t max_depth = 250;
  uint64_t max_memory_bytes = 2ULL << 30;  ///< of one query
  uint64_t max_queue = 100;                ///< waiting queries, then 503
};

struct remote_read_flags {
  uint64_t sample_limit = 50'000'000;  ///< of one query; 0: none
  uint64_t concurrent_limit = 10;      ///< requests at a time; 0: no bound
  uint64_t max_bytes_in_frame = 1ULL << 20;
};

struct scrape_flags {
  uint64_t max_body_bytes = 64ULL << 20;  ///< where body_size_limit is 0 (Prometheus: no limit)
  uint64_t max_idle_connections = 0;      ///< 0: half of the descriptor limit
  uint64_t dns_threads = 4;
};

/// --enable-feature; those that are on anyway or inert are not here.
struct feature_flags {
  bool promql_experimental_functions = false;
  bool promql_per_step_stats = false;
  bool promql_delayed_name_removal = false;
  bool promql_extended_range_selectors = false;
  bool extra_scrape_metrics = false;
  bool auto_reload_config = false;
  bool created_timestamp_zero_ingestion = false;
  bool native_histograms = false;  ///< scrape_native_histograms where no file says otherwise
  bool otlp_native_delta_ingestion = false;
  bool otlp_deltatocumulative = false;
};

struct audit_flags {
  bool canary = true;
  int64_t interval_ms = 15'000;  ///< between samples of the canary
};

struct notify_flags {
  uint64_t queue_capacity = 10'000;  ///< alerts that wait for one Alertmanager
  uint64_t batch_size = 256;         ///< alerts of one request
  bool drain_on_stop = true;
};

struct remote_write_flags {
  uint64_t log_limit_bytes = 16ULL << 30;  ///< of the log that waits for one destination
  uint64_t backlog_rate = 500'000;         ///< samples per second that were missed; 0: no bound
  int64_t fresh_first_lag_ms = 60'000;     ///< 0: always in order
};

struct federation_flags {
  uint64_t max_subscriptions = 16;         ///< of other nodes at this one
  uint64_t log_limit_bytes = 16ULL << 30;  ///< of the log that is kept for one of them
};

struct rule_flags {
  int64_t outage_tolerance_ms = 3'600'000;
  int64_t grace_period_ms = 600'000;
  int64_t resend_delay_ms = 60'000;
  uint64_t max_concurrent_evals = 4;
  int64_t max_wait_ms = 10'000;        ///< of an instant for its inputs
  int64_t catch_up_wait_ms = 300'000;  ///< the same of missed ones, after the start
  int64_t catch_up_reach_ms = 6 * 3'600'000;
};

struct log_flags {
  std::string level = "info";     ///< debug, info, warn, error
  std::string format = "logfmt";  ///< logfmt, json
};

struct server_flags {
  std::string
      config_file;  ///< "": ./prometheus.yml if there is one, else the embedded configuration
  std::string troupe_config_file;
  int64_t auto_reload_interval_ms = 30'000;
  web_flags web;
  influx_flags influx;
  storage_flags storage;
  query_flags query;
  remote_read_flags remote_read;
  scrape_flags scrape;
  feature_flags features;
  log_flags log;
  audit_flags audit;
  notify_flags notify;
  rule_flags rules;
  remote_write_flags remote_write;
  federation_flags federation;
};

struct check_config_command {
  std::vector<std::string> files;
  bool syntax_only = false;
};

struct test_promql_command {
  std::vector<std::string> files;
};

struct query_command {
  enum class kind : unsigned char { instant, range, series, labels };
  enum class output : unsigned char { table, json, sparkline };
  kind what = kind::instant;
  output print = output::table;
  std::string server = "http://localhost:9090";
  std::string expr;                  ///< instant and range
  std::vector<std::string> matches;  ///< series and labels: match[]
  std::string label;                 ///< labels: values of this one; "" = the names
  std::string time, start,
      end;           ///< as the API takes them (RFC 3339 or seconds); "": now, an hour ago, now
  std::string step;  ///< range; "": chosen so that about 250 points come back
  std::string http_config_file;  ///< an http_config as YAML; "": none
  int64_t timeout_ms = 30'000;
};

struct command_line {
  enum class command : unsigned char {
    serve,
    check_config,
    check_rules,
    test_promql,
    test_rules,
    backfill_rules,
    query,
    bench,
    storage,
    replay,
    drill,
    print
  };
  command run = command::serve;
  server_flags server;
  check_config_command check;
  check_rules_command check_rules;
  test_promql_command test;
  test_rules_command test_rules;
  backfill_rules_command backfill_rules;
  query_command query;
  bench_command bench;
  storage_command storage;
  replay_command replay;
  drill_command drill;
  /// Server flags by name without dashes, as given or by default: /api/v1/status/flags.
  std::map<std::string, std::string> values;
  /// Inert flags and features in use, to be warned about once each; see inert.h.
  std::vector<std::string> inert;
  /// Other things a person should know ("unknown option for --enable-feature: x").
  std::vector<std::string> warnings;
  /// command::print (help, version, wrong usage): print these and exit with the code.
  std::string out, err;
  int exit_code = 0;
};

/// What flags hold that this folder cannot judge; empty functions accept everything.
struct flag_checks {
  std::function<status(std::string_view)> selector;
};

/// `args` without the program's name. Wrong usage gives command::print with exit code 2. Reads
/// --troupe.config.file through `fs`.
command_line parse_command_line(const std::vector<std::string>& args, file_system& fs,
                                const flag_checks& checks = {});

/// Where all routes stand: --web.route-prefix, else the path of --web.external-url; "/" or "/a/b",
/// never with a slash at the end.
std::string route_prefix(const web_flags& f);

/// "troupe, version 0.1.0 …", as `troupe --version` prints it.
std::string version_text();

}  // namespace troupe::config
