// What the API reaches of the node, passed in once by actors/: doors, functions and plain facts. No
// globals.
#pragma once

#include "pipeline/api/door_counters.h"
#include "pipeline/http/byte_budget.h"
#include "pipeline/influx/settings.h"
#include "storage/base/clock.h"
#include "storage/base/damage.h"
#include "storage/base/memory_budget.h"
#include "storage/base/result.h"
#include "storage/base/stats.h"
#include "storage/model/cardinality.h"
#include "storage/model/matcher.h"
#include "storage/querier.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::config {
struct config;
}
namespace troupe::query {
class engine;
}
namespace troupe::remote {
class series_cache;
}
namespace troupe::ingest {
class watermarks;
}
namespace troupe::stages {
class stage_switches;
}
namespace troupe::topics {
class topic_board;
}
namespace troupe::notify {
struct alertmanagers_state;
}
namespace troupe::rules {
class rule_board;
}
namespace troupe::push {
class push_store;
}
namespace troupe::otlp {
class delta_streams;
}
namespace troupe::global {
class global_view;
}

namespace troupe::api {

/// As /api/v1/status/walreplay shows it.
struct replay_state {
  uint32_t min = 0, max = 0, current = 0;
  bool done = false;
};

/// As /api/v1/status/tsdb shows it.
struct tsdb_entry {
  std::string name;
  uint64_t value = 0;
};
struct tsdb_state {
  uint64_t series = 0, chunks = 0, label_pairs = 0;
  timestamp_ms min_time = 0, max_time = 0;
  std::vector<tsdb_entry> series_by_metric, values_by_label, memory_by_label, series_by_pair;
};
/// As /api/v1/status/cardinality shows it.
struct cardinality_state {
  uint64_t series = 0;
  growth_report growth;
  std::vector<budget_state> budgets;
};
struct block_state {
  std::string id;
  timestamp_ms min_time = 0, max_time = 0;
  uint64_t series = 0, samples = 0, bytes = 0;
  uint32_t level = 0;
  bool quarantined = false;
  std::string reason;
};

/// The storage behind the admin and status routes. Each is called on the thread class of its route.
struct storage_admin {
  std::function<status(timestamp_ms mint, timestamp_ms maxt, const std::vector<matchers>&)>
      delete_series;
  std::function<status()> clean_tombstones;
  std::function<void()> flush;
  std::function<result<std::string>(bool skip_head)> snapshot;
  std::function<tsdb_state(size_t limit)> tsdb;
  std::function<cardinality_state(size_t limit)> cardinality;
  std::function<std::vector<block_state>()> blocks;
  std::function<replay_state()> replay;
  std::function<damage_report()> damage;
};

struct build_info {
  std::string version;          ///< a Prometheus version, so that Grafana enables what it knows
  std::string product_version;  ///< troupe's own
  std::string revision, branch, build_user, build_date, compiler;
};

/// Everything must outlive the api object.
struct services {
  storage::queryable* data = nullptr;   ///< what the servers of remote_read have, too
  storage::queryable* local = nullptr;  ///< only what is stored here
  /// `data` for one query of so long, which `cancel` ends; empty: `data` as it is.
  std::function<std::unique_ptr<storage::queryable>(int64_t timeout_ms,
                                                    const std::atomic<bool>* cancel)>
      data_of_query;
  const global::global_view* global_view = nullptr;  ///< of regions; null: there are none
  query::engine* engine = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  memory_budget* memory = nullptr;               ///< of the process; null: no bound
  std::shared_ptr<http::byte_budget> budget;     ///< decoded write bodies
  remote::series_cache* known_series = nullptr;  ///< of remote-write senders
  const rules::rule_board* rules = nullptr;
  const ingest::watermarks* watermarks = nullptr;  ///< of other nodes' data; null: there are none
  const topics::topic_board* topics = nullptr;     ///< of Kafka; null: there are none
  stages::stage_switches* switches = nullptr;      ///< null: no stage can be paused
  storage_admin admin;
  build_info build;
  std::map<std::string, std::string> flags;  ///< name to value, as given or by default
  timestamp_ms start_time = 0;
  std::string working_directory;
  std::string hostname;            ///< of this machine
  std::string storage_retention;   ///< "15d or 512MiB", for runtimeinfo
  std::string external_url;        ///< http://host:port/path, never empty or ending in '/'
  std::string listen_port;         ///< of the first listen address
  std::string route_prefix = "/";  ///< stripped from request::path before
  std::string page_title;          ///< plain text
  /// Queues a line for a log file of the configuration; must not block. May be empty.
  std::function<void(const std::string& path, std::string line)> log_line;
  /// Empty when the node can answer queries; else why not ("replaying the WAL: segment 3 of 17").
  std::function<std::string()> not_ready;
  /// The configuration in force; never null.
  std::function<std::shared_ptr<const config::config>()> config;
  /// Null as long as none were looked for.
  std::function<std::shared_ptr<const notify::alertmanagers_state>()> alertmanagers;
  /// Last configuration reload: success and when.
  std::function<std::pair<bool, timestamp_ms>()> last_reload;
  bool enable_admin = false, enable_lifecycle = false, enable_write_receiver = false;
  bool enable_import = false;  ///< and export: routes of VictoriaMetrics
  influx::settings influx;
  std::vector<std::string> influx_databases;  ///< that SHOW DATABASES names
  push::push_store* pushed = nullptr;         ///< null: nothing may be pushed
  bool enable_otlp_receiver = false;
  bool accept_otlp_delta = false;
  otlp::delta_streams* otlp_deltas = nullptr;           ///< null: deltas are not converted
  bool accept_write_v1 = true, accept_write_v2 = true;  ///< versions of remote write
  int64_t query_timeout_ms = 120'000;
  int64_t lookback_ms = 300'000;
  uint64_t max_write_bytes = 32ULL << 20;   ///< decoded
  uint64_t read_sample_limit = 50'000'000;  ///< of a query of a remote read; 0: none
  size_t read_frame_bytes = 1 << 20;        ///< of a streamed remote read
  /// Of the doors that are open; set by api.
  door_counters write_counters, otlp_counters, influx_counters, import_counters;
};

}  // namespace troupe::api
