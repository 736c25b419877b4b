#include "actors/serve.h"

#include "actors/node.h"
#include "actors/process.h"
#include "actors/rt/system_config.h"
#include "actors/services.h"
#include "config/checksum.h"
#include "config/load.h"
#include "pipeline/credentials/grants.h"
#include "pipeline/discover/file_watcher.h"
#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/curl_client.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/late_fetcher.h"
#include "pipeline/http/server.h"
#include "pipeline/kafka/rd_cluster.h"
#include "storage/base/allocator.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <caf/scoped_actor.hpp>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

namespace troupe::actors {

namespace {

const logger log("main");

constexpr int64_t stop_deadline_ms = 9'500;   ///< all of an ordered stop
constexpr int64_t drain_deadline_ms = 1'500;  ///< of HTTP requests in flight
constexpr int64_t hung_after_ms = 90'000;     ///< no sign of life of the supervisor

http::server_options server_options_of(const config::web_flags& f,
                                       std::shared_ptr<http::byte_budget> budget) {
  http::server_options o;
  o.listen = f.listen_address;
  o.io_threads = f.io_threads;
  o.limits.max_connections = f.max_connections;
  o.limits.max_header_bytes = f.max_header_bytes;
  o.limits.header_timeout_ms = f.header_timeout_ms;
  o.limits.request_timeout_ms = f.read_timeout_ms;
  o.limits.min_bytes_per_second = f.min_rate_bytes;
  o.limits.idle_timeout_ms = f.idle_timeout_ms;
  o.limits.write_timeout_ms = f.write_timeout_ms;
  o.limits.max_body_bytes = f.max_body_bytes;
  o.route_prefix = config::route_prefix(f);
  o.cors_origin = f.cors_origin;
  o.web_config_file = f.config_file;
  o.budget = std::move(budget);
  o.answer_bytes = f.answer_bytes;
  return o;
}

/// Of answers of regions that queries hold, of all queries: a part of what the process may hold.
uint64_t region_bytes(uint64_t memory_limit) {
  constexpr uint64_t share = 4, least = 64ULL << 20, unlimited = 1ULL << 30;
  return memory_limit > 0 ? std::max(memory_limit / share, least) : unlimited;
}

void set_up_log(const config::log_flags& f) {
  log_level level = f.level == "debug"   ? log_level::debug
                    : f.level == "warn"  ? log_level::warn
                    : f.level == "error" ? log_level::error
                                         : log_level::info;
  configure_log(level, f.format == "json" ? log_format::json : log_format::logfmt);
}

/// The process' effects and the node in them, in order of construction.
class process {
 public:
  explicit process(const config::command_line& command)
      : command_(command),
        files_(make_posix_file_system()),
        system_config_(std::max(available_cpus(), 2u)),
        system_(system_config_) {}

  int run() {
    status started = start();
    if (started.ok()) {
      wait();
    } else {
      log.error("{}", started.message());
      std::fprintf(stderr, "troupe: %s\n", started.to_string().c_str());
    }
    // Without a node nothing runs yet that would have to be stopped in order.
    return node_ ? stop(started.ok()) : 1;
  }

 private:
  status start() {
    const auto& f = command_.server;
    raise_file_limit();
    add_process_metrics(metrics_);
    http::fetcher_options fo;
    fo.max_idle = f.scrape.max_idle_connections;
    fo.resolver_threads = f.scrape.dns_threads;
    memory_ = std::make_unique<memory_budget>(memory_limit_of(f.storage, available_memory()),
                                              anonymous_memory, clock_);
    add_memory_metrics(metrics_, *memory_);
    fetcher_ = std::make_unique<http::routing_fetcher>(
        std::make_unique<http::asio_fetcher>(std::move(fo), clock_, &metrics_),
        std::make_unique<http::curl_client>(http::curl_options{}, clock_));
    // With bodies of their own, so that no query takes the room of the scrapes.
    region_fetcher_ = std::make_unique<http::late_fetcher>([this] {
      http::fetcher_options o;
      o.budget = std::make_shared<http::byte_budget>(region_bytes(memory_->limit()));
      return std::make_unique<http::routing_fetcher>(
          std::make_unique<http::asio_fetcher>(std::move(o), clock_, nullptr),
          std::make_unique<http::curl_client>(http::curl_options{}, clock_));
    });
    node_environment env;
    env.files = files_.get();
    env.clk = &clock_;
    env.metrics = &metrics_;
    env.memory = memory_.get();
    env.fetcher = fetcher_.get();
    env.region_fetcher = region_fetcher_.get();
    kafka_ = kafka::make_rd_connector(clock_, *files_);
    env.kafka = kafka_.get();
    auto budget = std::make_shared<http::byte_budget>(f.web.in_flight_bytes);
    env.budget = budget;
    env.endpoints.settings = [this](const config::http_client_config& c) {
      return http::make_client_settings(c, {files_.get(), "troupe/" TROUPE_VERSION});
    };
    env.endpoints.endpoint = [](std::string_view url, http::client_settings_ptr settings,
                                http::headers extra) {
      return http::make_endpoint(url, std::move(settings), std::move(extra));
    };
    env.make_watcher = discover::make_inotify_watcher;
    env.environment = load_options_of(f).environment;
    env.endpoints.signing = [from = credentials::surroundings{env.environment, env.files}](
                                const config::sigv4_config& c) {
      return credentials::aws_grants(c, from);
    };
    env.seed = entropy_seed();
    env.load_config = [this] { return load(); };
    env.config_checksum = [this]() -> result<uint64_t> {
      uint64_t sum = 0;
      for (const auto& path : {config_path(), command_.server.troupe_config_file}) {
        if (path.empty())
          continue;
        TROUPE_ASSIGN(const uint64_t part, config::config_checksum(*files_, path));
        sum = xxh3(path, sum ^ part);
      }
      return sum;
    };
    env.fatal = [](exit_code code, const std::string& why) {
      log.error("fatal, exit code {}: {}", static_cast<int>(code), why);
      _exit(static_cast<int>(code));
    };
    env.quit = [this] { quit_ = true; };
    env.alive = [this] { last_sign_ns_ = clock_.monotonic_ns(); };
    node_options no;
    no.flags = f;
    no.flag_values = command_.values;
    no.store = storage_options_of(f, available_cpus());
    TROUPE_ASSIGN(no.store.retention_rules, retention_rules_of(f));
    no.maintenance_every =
        std::chrono::milliseconds(std::max<int64_t>(f.storage.block_reload_ms, 1000));
    no.scrape_actors = std::max(1u, available_cpus() / 2);
    no.receive_actors = std::clamp(available_cpus(), 1u, 16u);
    no.rule_actors = std::clamp<uint64_t>(f.rules.max_concurrent_evals, 1, 64);
    no.query_workers = f.query.max_concurrency;
    last_sign_ns_ = clock_.monotonic_ns();
    TROUPE_ASSIGN(node_, node::start(system_, std::move(no), std::move(env)));
    server_ = std::make_unique<http::server>(
        server_options_of(f.web, budget),
        [this](http::request&& r, http::responder respond) {
          node_->handle(std::move(r), std::move(respond));
        },
        *files_, clock_, metrics_);
    TROUPE_TRY(server_->start());
    for (const auto& a : server_->addresses())
      log.info("listening on {}{}", a, server_->secure() ? " (TLS)" : "");
    notify_service_manager("READY=1");
    return {};
  }

  /// "" for the embedded configuration.
  std::string config_path() const {
    const auto& named = command_.server.config_file;
    return named.empty() && files_->exists("prometheus.yml") ? "prometheus.yml" : named;
  }

  result<config_ptr> load() {
    const auto& f = command_.server;
    config::load_options o = load_options_of(f);
    const std::string path = config_path();
    auto loaded = path.empty()
                      ? config::parse_config(config::embedded_config(f.web.listen_address.front(),
                                                                     config::route_prefix(f.web)),
                                             "(embedded)", *files_, o)
                      : config::load_config(*files_, path, o);
    if (!loaded.value)
      return config::to_status(loaded.errors);
    for (const auto& w : loaded.warnings)
      log.warn("{}", w);
    return loaded.value;
  }

  void wait() {
    int64_t watchdog_ms = watchdog_interval_ms();
    int64_t next_notify_ns = 0;
    while (!quit_) {
      auto signal = wait_signal(watchdog_ms > 0 ? std::min<int64_t>(watchdog_ms, 250) : 250);
      if (signal == SIGHUP) {
        log.info("SIGHUP: reloading the configuration");
        notify_service_manager("RELOADING=1\nMONOTONIC_USEC=" +
                               std::to_string(clock_.monotonic_ns() / 1000));
        node_->reload();
        notify_service_manager("READY=1");
      } else if (signal) {
        log.info("received signal {}, stopping", *signal);
        return;
      }
      free_memory();
      int64_t now = clock_.monotonic_ns();
      if (now - last_sign_ns_ > hung_after_ms * 1'000'000) {
        log.error("the supervisor shows no sign of life");
        _exit(static_cast<int>(exit_code::hung));
      }
      if (watchdog_ms > 0 && now >= next_notify_ns) {
        notify_service_manager("WATCHDOG=1");
        next_notify_ns = now + watchdog_ms * 1'000'000;
      }
    }
  }

  void free_memory() {
    node_->free_memory();
    const bool is_short = memory_->level() >= memory_level::give_back;
    const int64_t now = clock_.monotonic_ns();
    if (!trim_rule_.due(now, anonymous_memory(), is_short))
      return;
    trim_memory();
    trim_rule_.done(now, anonymous_memory());
  }

  int stop(bool serving) {
    notify_service_manager("STOPPING=1");
    // Everything acked is on disk already; a stop that hangs must not outlast its deadline.
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(stop_deadline_ms));
      log.error("the ordered stop missed its deadline");
      _exit(static_cast<int>(exit_code::hung));
    }).detach();
    node_->end_waiting();
    if (size_t cut = serving ? server_->drain(drain_deadline_ms) : 0; cut > 0)
      log.warn("{} requests were cut off", cut);
    caf::scoped_actor self{system_};
    self->request(node_->supervisor(), std::chrono::seconds(6), stop_atom_v)
        .receive([](stopped_atom) {},
                 [](caf::error&) { log.warn("the actors did not stop in time"); });
    status closed = node_->close();
    if (!closed.ok())
      log.error("closing the storage: {}", closed.to_string());
    region_fetcher_->stop();
    fetcher_->stop();
    log.info("stopped");
    std::fflush(nullptr);
    // All state is closed; the actor system's own shutdown waits for threads that have nothing left
    // to do.
    _exit(serving && closed.ok() ? 0 : 1);
  }

  const config::command_line& command_;
  system_clock clock_;
  registry metrics_;
  std::unique_ptr<memory_budget> memory_;
  std::unique_ptr<file_system> files_;
  std::unique_ptr<http::routing_fetcher> fetcher_;
  std::unique_ptr<http::late_fetcher> region_fetcher_;
  std::unique_ptr<kafka::connector> kafka_;
  std::atomic<bool> quit_{false};
  std::atomic<int64_t> last_sign_ns_{0};
  trim_rule trim_rule_;
  system_config system_config_;
  caf::actor_system system_;
  std::unique_ptr<node> node_;
  std::unique_ptr<http::server> server_;
};

}  // namespace

int serve(const config::command_line& command) {
  block_signals();
  set_up_log(command.server.log);
  for (const auto& w : command.warnings)
    log.warn("{}", w);
  for (const auto& name : command.inert)
    log.warn("{} is accepted but does not act", name);
  process p(command);
  return p.run();
}

}  // namespace troupe::actors
