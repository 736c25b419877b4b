// One node: wires storage, stages and actors together from injected effects. The same code runs a
// process (main.cc) and a whole simulated node in one thread (tests/actors/simulation).
#pragma once

#include "actors/receive_actor.h"
#include "actors/rt/supervisor.h"
#include "config/flags.h"
#include "pipeline/api/api.h"
#include "pipeline/discover/discovery_manager.h"
#include "pipeline/http/byte_budget.h"
#include "pipeline/http/http.h"
#include "pipeline/ingest/ingester.h"
#include "pipeline/ingest/input_marks.h"
#include "pipeline/ingest/watermarks.h"
#include "pipeline/kafka/cluster.h"
#include "pipeline/otlp/delta_streams.h"
#include "pipeline/push/push_store.h"
#include "pipeline/remote/merged_reader.h"
#include "pipeline/remote/series_cache.h"
#include "pipeline/rules/alert.h"
#include "pipeline/rules/engine_door.h"
#include "pipeline/rules/go_templates.h"
#include "pipeline/rules/rule_board.h"
#include "pipeline/stages/stage_switches.h"
#include "pipeline/topics/topic_board.h"
#include "query/engine/engine.h"
#include "storage/base/line_log.h"
#include "storage/storage.h"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe::global {
class global_view;
}

namespace troupe::actors {

/// Everything a node touches of the world. Outlives the node.
struct node_environment {
  file_system* files = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  http::fetcher* fetcher = nullptr;
  http::fetcher* region_fetcher = nullptr;  ///< for the global view; null: the other one
  discover::endpoint_factory endpoints;
  kafka::connector* kafka = nullptr;
  std::function<std::unique_ptr<discover::file_watcher>()> make_watcher;  ///< may be empty
  /// Bytes of request bodies and of what they decode to, shared with the HTTP server.
  std::shared_ptr<http::byte_budget> budget;
  memory_budget* memory = nullptr;  ///< of the process; null: no bound
  uint64_t seed = 0;
  /// Told about every batch the router took and about every answer it gave (audits); may be empty.
  std::function<void(const batch_ptr&)> on_offer;
  std::function<void(const batch_ptr&, const ingest::outcome&)> on_outcome;
  /// Environment variables; "" for one that is not set.
  std::function<std::string(const std::string&)> environment;
  /// Reads and validates the configuration file.
  std::function<result<config_ptr>()> load_config;
  /// Changes when the files behind load_config change; only used with auto-reload-config.
  std::function<result<uint64_t>()> config_checksum;
  /// Ends the process with a named code (a simulation: the node is dead from here).
  std::function<void(exit_code, const std::string&)> fatal;
  /// /-/quit was called.
  std::function<void()> quit;
  /// The supervisor's sign of life, for a process watchdog.
  std::function<void()> alive;
};

struct node_options {
  config::server_flags flags;
  std::map<std::string, std::string> flag_values;
  storage::options store;  ///< by the flags; the configuration file may say otherwise
  /// Actors that block or compute get threads of their own. Off under the test scheduler.
  bool detached = true;
  size_t scrape_actors = 1;
  size_t receive_actors = 1;
  size_t rule_actors = 1;
  size_t query_workers = 20;
  size_t reserve_workers = 4;
  std::chrono::milliseconds discovery_every{500};
  std::chrono::milliseconds maintenance_every{15000};
  /// How long what nobody awaits may wait to be stored with others.
  std::chrono::milliseconds ride_along{100};
  /// The same for scrapes; with short intervals they wait less (scrape_params).
  std::chrono::milliseconds scrape_gather{200};
  std::chrono::milliseconds longest_scrape_tick{100};
  std::chrono::milliseconds heartbeat_every{5000};
  std::chrono::milliseconds heartbeat_timeout{30000};
};

class node {
 public:
  /// Opens the storage and starts all actors. Writes are accepted at once; queries after replay.
  static result<std::unique_ptr<node>> start(caf::actor_system& sys, node_options options,
                                             node_environment env);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// The server's handler; any thread.
  void handle(http::request&& r, http::responder respond);
  /// Reads the configuration again and tells how it went; the promise style suits SIGHUP. Any
  /// thread.
  void reload();
  /// Answers requests that wait for samples, which would hold up the server's drain. Any thread.
  void end_waiting();
  /// Begins background work if it would free memory; to be asked a few times a second. Any thread.
  void free_memory();
  /// Sends (stop) here for an ordered stop; then call close().
  const caf::actor& supervisor() const { return supervisor_; }
  /// After the supervisor has answered stop: key frames, files closed.
  status close();

  /// Lets go of all handles, when the actors were ended from outside and their system goes first
  /// (simulation).
  void forget_actors();

  storage::storage& store() { return *store_; }
  const api::api& the_api() const { return *api_; }
  /// Handles of the moment, for tests.
  links_ptr peers() const { return std::atomic_load(&links_); }
  /// Empty when ready; else why not.
  std::string not_ready() const;

 private:
  node(caf::actor_system& sys, node_options options, node_environment env);
  status open();
  status open_pushed();
  std::string federation_folder() const;
  /// The read door that asks other servers, too.
  void build_reader();
  void set_remote_sources(const config::config& c);
  /// invalid_argument for client settings that do not hold.
  result<remote::remote_sources> remote_sources_of(const config::config& c) const;
  /// The regions that queries are answered with; needs reader and engine.
  status build_global_view();
  void build_api(std::string retention);
  /// A request to store samples goes to the receiver with the shortest queue.
  void receive(const links& to, http_call_ptr call);
  void spawn_all();
  std::vector<child_spec> children();
  struct rule_params rule_params_of(size_t index);
  struct send_params send_params_of();
  struct publish_params publish_params_of();
  struct federation_params federation_params_of();
  struct consume_params consume_params_of();
  struct feed_params feed_params_of();
  struct aggregate_params aggregate_params_of();
  int64_t senders_return_ms() const;
  void child_started(const std::string& name, const caf::actor& handle);
  void publish_if_complete();
  /// Reads the configuration and opens its log files.
  result<config_ptr> load();
  /// A configuration comes into force.
  void accept(config_ptr c);
  void set_reach(const storage::options& o);

  caf::actor_system& sys_;
  node_options opts_;
  node_environment env_;
  std::unique_ptr<line_log> lines_;
  std::unique_ptr<storage::storage> store_;
  std::unique_ptr<remote::merged_reader> reader_;
  std::unique_ptr<query::engine> engine_;
  std::unique_ptr<global::global_view> global_view_;
  std::unique_ptr<remote::series_cache> known_series_;
  std::unique_ptr<push::push_store> pushed_;     ///< null: not enabled
  std::unique_ptr<otlp::delta_streams> deltas_;  ///< null: not converted
  uint64_t node_id_ = 0;                         ///< of the data folder, for other nodes
  ingest::input_marks marks_;
  ingest::watermarks watermarks_;
  topics::topic_board topics_;
  stages::stage_switches switches_;
  rules::rule_board rules_;
  std::unique_ptr<rules::engine_door> rule_queries_;
  std::unique_ptr<rules::go_templates> templates_;
  std::unique_ptr<api::api> api_;
  std::optional<uint64_t>
      first_checksum_;  ///< of the configuration's files, with auto-reload-config
  config_ptr config_;   ///< in force; changes on the configuration actor, so by atomic access only
  alertmanagers_state_ptr alertmanagers_;  ///< null at first; by atomic access only
  caf::actor supervisor_;
  /// Filled by the supervisor as actors start; published as a whole.
  links draft_;
  size_t started_ = 0, expected_ = 0;
  /// How far back every stored sample must still be there, in ms (audit).
  std::atomic<int64_t> reach_ms_{0};
  receive_queues receive_queues_;
  links_ptr links_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> reload_ok_{true};
  std::atomic<timestamp_ms> reload_time_{0};
};

}  // namespace troupe::actors
