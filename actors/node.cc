#include "actors/node.h"

#include "actors/services.h"
#include "actors/spawn.h"
#include "config/config.h"
#include "config/load.h"
#include "pipeline/federate/node_id.h"
#include "pipeline/global/global_view.h"
#include "pipeline/http/blocking_fetch.h"
#include "pipeline/http/snappy_encoder.h"
#include "storage/base/check.h"
#include "storage/base/log.h"

#include <caf/send.hpp>

namespace troupe::actors {

node::node(caf::actor_system& sys, node_options options, node_environment env)
    : sys_(sys),
      opts_(std::move(options)),
      env_(std::move(env)),
      switches_(*env_.metrics),
      receive_queues_(opts_.receive_actors) {}

node::~node() = default;

result<std::unique_ptr<node>> node::start(caf::actor_system& sys, node_options options,
                                          node_environment env) {
  std::unique_ptr<node> n(new node(sys, std::move(options), std::move(env)));
  TROUPE_TRY(n->open());
  n->spawn_all();
  return n;
}

status node::open() {
  if (opts_.flags.features.auto_reload_config) {
    TROUPE_ASSIGN(first_checksum_, env_.config_checksum());
  }
  lines_ = std::make_unique<line_log>(*env_.files, *env_.metrics);
  TROUPE_ASSIGN(auto loaded, load());
  accept(std::move(loaded));
  reload_time_ = env_.clk->now_ms();
  storage::options so = opts_.store;
  apply_storage_config(so, config_->storage);
  so.retention_rules = with_dropped_inputs(so.retention_rules, *config_);
  so.series_budgets = series_budgets_of(*config_);
  set_reach(so);
  storage::environment se{env_.files, env_.clk, env_.metrics, env_.seed, env_.memory};
  TROUPE_ASSIGN(store_, storage::storage::open(so, se));
  node_id_ = federate::node_id(*env_.files, federation_folder(), env_.seed);
  build_reader();
  engine_ = std::make_unique<query::engine>(engine_options_of(opts_.flags, *config_), *env_.clk,
                                            env_.memory);
  TROUPE_TRY(build_global_view());
  rule_queries_ = std::make_unique<rules::engine_door>(*engine_, *reader_);
  templates_ = std::make_unique<rules::go_templates>(
      external_url_of(opts_.flags.web),
      config::route_prefix(opts_.flags.web) == "/" ? "" : config::route_prefix(opts_.flags.web));
  TROUPE_TRY(open_pushed());
  build_api(retention_text(so));
  return {};
}

std::string node::federation_folder() const {
  return join_path(opts_.store.dir, "federation");
}

status node::open_pushed() {
  if (!opts_.flags.web.enable_pushgateway)
    return {};
  push::push_store_options o;
  o.dir = join_path(opts_.store.dir, "pushgateway");
  std::vector<std::string> unread;
  TROUPE_ASSIGN(pushed_, push::push_store::open(*env_.files, std::move(o), unread));
  for (const auto& why : unread)
    troupe::logger("push").error("{}", why);
  return {};
}

void node::build_api(std::string retention) {
  remote::series_cache::settings known;
  known.shards = store_->shard_count();
  known.secret = env_.seed;
  known_series_ = std::make_unique<remote::series_cache>(std::move(known), *env_.clk);
  auto s = services_of(opts_.flags, opts_.flag_values);
  s.known_series = known_series_.get();
  s.data = reader_.get();
  s.local = &store_->reader();
  s.data_of_query = [reader = reader_.get()](int64_t timeout_ms, const std::atomic<bool>* cancel) {
    return reader->for_query(timeout_ms, cancel);
  };
  s.global_view = global_view_.get();
  s.rules = &rules_;
  s.watermarks = &watermarks_;
  s.topics = &topics_;
  s.switches = &switches_;
  s.pushed = pushed_.get();
  if (opts_.flags.features.otlp_deltatocumulative)
    deltas_ = std::make_unique<otlp::delta_streams>(
        *env_.clk, env_.memory,
        env_.metrics->get_gauge("troupe_otlp_delta_streams",
                                "Streams of deltas that are summed in memory."));
  s.otlp_deltas = deltas_.get();
  s.engine = engine_.get();
  s.clk = env_.clk;
  s.metrics = env_.metrics;
  s.memory = env_.memory;
  s.budget = env_.budget;
  s.admin = storage_admin_of(*store_);
  s.storage_retention = std::move(retention);
  s.start_time = env_.clk->now_ms();
  s.log_line = [this](const std::string& path, std::string line) {
    lines_->add(path, std::move(line));
  };
  s.not_ready = [this] { return not_ready(); };
  s.alertmanagers = [this] { return std::atomic_load(&alertmanagers_); };
  s.config = [this] { return std::atomic_load(&config_); };
  s.last_reload = [this] { return std::pair(reload_ok_.load(), reload_time_.load()); };
  api_ = std::make_unique<api::api>(std::move(s));
}

void node::set_reach(const storage::options& o) {
  // A bound by size may remove anything but the newest.
  constexpr int64_t newest = 30 * 60'000;
  int64_t by_time = o.retention_ms > 0 ? o.retention_ms : INT64_MAX;
  for (const auto& rule : o.retention_rules)
    if (rule.retention_ms > 0)
      by_time = std::min(by_time, std::max(rule.retention_ms, newest));
  reach_ms_ = o.retention_bytes > 0 ? std::min(newest, by_time) : by_time;
}

void node::build_reader() {
  remote::merged_environment m;
  m.local = &store_->reader();
  m.clk = env_.clk;
  m.fetch = [fetcher = env_.fetcher](std::vector<http::fetch_request> requests,
                                     const std::atomic<bool>* cancel) {
    return http::fetch_and_wait(*fetcher, std::move(requests), cancel);
  };
  m.longest_wait_ms = opts_.flags.query.timeout_ms;
  m.compress = [](std::string_view raw) {
    std::string out;
    http::snappy(raw, out);
    return out;
  };
  m.local_start = [this] {
    // As Prometheus: from the first block on, with a margin for what was not there then.
    timestamp_ms first = env_.clk->now_ms();
    for (const auto& b : store_->blocks())
      first = std::min(first, b.min_time);
    return first + 2 * opts_.store.min_block_ms;
  };
  reader_ = std::make_unique<remote::merged_reader>(std::move(m));
  set_remote_sources(*config_);
}

void node::set_remote_sources(const config::config& c) {
  // They were made when the configuration was loaded.
  reader_->set_sources(remote_sources_of(c).value_or(remote::remote_sources()));
}

result<remote::remote_sources> node::remote_sources_of(const config::config& c) const {
  const remote::read_endpoint_factory endpoints =
      [this](const std::string& url, const config::http_client_config& client,
             http::headers fixed) -> result<http::endpoint_ptr> {
    TROUPE_ASSIGN(auto settings, env_.endpoints.settings(client));
    return env_.endpoints.endpoint(url, std::move(settings), std::move(fixed));
  };
  remote::remote_sources out;
  for (const auto& r : c.remote_read) {
    auto source = remote::remote_source::create(r, c.global, endpoints, *env_.metrics);
    if (!source.ok())
      return source.error().with_context("remote_read");
    out.push_back(std::move(*source));
  }
  return out;
}

status node::build_global_view() {
  global::global_environment g;
  g.regions.clk = env_.clk;
  g.regions.metrics = env_.metrics;
  g.regions.fetch = [fetcher = env_.region_fetcher != nullptr ? env_.region_fetcher : env_.fetcher](
                        std::vector<http::fetch_request> batch, http::fetcher::done_fn done) {
    fetcher->fetch(std::move(batch), std::move(done));
  };
  g.regions.endpoints =
      [make = env_.endpoints](
          const config::global_view_config& c) -> result<global::region_environment::endpoint_fn> {
    TROUPE_ASSIGN(auto settings, make.settings(c.client));
    http::headers fixed;
    for (const auto& [name, value] : c.headers)
      fixed.push_back({name, value});
    return global::region_environment::endpoint_fn([make, settings, fixed](const std::string& url) {
      return make.endpoint(url, settings, fixed);
    });
  };
  g.engine = engine_.get();
  g.watermarks = &watermarks_;
  g.compress = [](std::string_view raw) {
    std::string out;
    http::snappy(raw, out);
    return out;
  };
  g.local = [reader = reader_.get()](int64_t timeout_ms, const std::atomic<bool>* cancel) {
    return reader->for_query(timeout_ms, cancel);
  };
  global_view_ = std::make_unique<global::global_view>(std::move(g));
  TROUPE_ASSIGN(auto regions, global_view_->regions_of(config_->own));
  global_view_->set_regions(std::move(regions), config_->own.region.name);
  return {};
}

result<config_ptr> node::load() {
  TROUPE_ASSIGN(auto loaded, env_.load_config());
  TROUPE_ASSIGN([[maybe_unused]] const auto sources, remote_sources_of(*loaded));
  if (global_view_) {
    TROUPE_ASSIGN([[maybe_unused]] const auto regions, global_view_->regions_of(loaded->own));
  }
  TROUPE_TRY(lines_->open(log_files_of(*loaded)));
  return loaded;
}

void node::accept(config_ptr c) {
  // Keys that are read but do not act yet: one metric per name (who loads the file logs the
  // warnings).
  auto mark = [&](const config::inert_use& use, double value) {
    env_.metrics
        ->get_gauge("troupe_config_inert", "Configuration in use that is read without acting.",
                    {{"feature", use.name}})
        .set(value);
  };
  if (auto before = std::atomic_load(&config_))
    for (const auto& use : before->inert_uses)
      mark(use, 0);
  for (const auto& use : c->inert_uses)
    mark(use, 1);
  if (reader_)
    set_remote_sources(*c);
  if (global_view_)
    // They were made when the configuration was loaded.
    global_view_->set_regions(
        global_view_->regions_of(c->own).value_or(std::vector<global::region_ptr>()),
        c->own.region.name);
  std::atomic_store(&config_, std::move(c));
}

std::string node::not_ready() const {
  if (stopping_)
    return "the node is stopping";
  if (!peers())
    return "the actors are starting";
  if (!store_->ready()) {
    auto p = store_->progress();
    return "replaying the WAL: segment " + std::to_string(p.current_segment) + " of " +
           std::to_string(p.last_segment);
  }
  return {};
}

void node::spawn_all() {
  supervisor_options so;
  so.children = children();
  expected_ = so.children.size();
  so.started = [this](const std::string& name, const caf::actor& handle) {
    child_started(name, handle);
  };
  so.fatal = env_.fatal;
  so.alive = env_.alive;
  so.metrics = env_.metrics;
  if (opts_.detached)
    supervisor_ = sys_.spawn<caf::detached>(actors::supervisor, std::move(so));
  else
    supervisor_ = sys_.spawn(actors::supervisor, std::move(so));
}

void node::child_started(const std::string& name, const caf::actor& handle) {
  TROUPE_CHECK(adopt_handle(draft_, name, handle));
  ++started_;
  publish_if_complete();
}

void node::publish_if_complete() {
  if (started_ < expected_)
    return;
  auto all = std::make_shared<const links>(draft_);
  std::atomic_store(&links_, all);
  caf::anon_send(all->router, links_atom_v, all);
  for (const auto& r : all->receive)
    caf::anon_send(r, links_atom_v, all);
  for (const auto& w : all->query)
    caf::anon_send(w, links_atom_v, all);
  for (const auto& s : all->scrape)
    caf::anon_send(s, links_atom_v, all);
  caf::anon_send(all->discovery, links_atom_v, all);
  for (const auto& r : all->rules)
    caf::anon_send(r, links_atom_v, all);
  caf::anon_send(all->aggregate, links_atom_v, all);
  if (all->audit)
    caf::anon_send(all->audit, links_atom_v, all);
  caf::anon_send(all->federation, links_atom_v, all);
  caf::anon_send(all->consume, links_atom_v, all);
  caf::anon_send(all->http, links_atom_v, all);
  caf::anon_send(all->config, links_atom_v, all);
}

void node::handle(http::request&& r, http::responder respond) {
  auto all = peers();
  if (!all || stopping_) {
    respond(api::overloaded("the node is starting or stopping"));
    return;
  }
  auto found = api_->find(r);
  if (!found.to) {
    respond(std::move(found.refusal));
    return;
  }
  auto call = std::make_shared<http_call>();
  call->request = std::move(r);
  call->respond = std::move(respond);
  call->route = found.to;
  if (found.to->kind == api::route_kind::write)
    receive(*all, std::move(call));
  else
    caf::anon_send(all->http, call_atom_v, std::move(call));
}

void node::receive(const links& to, http_call_ptr call) {
  const size_t shortest = receive_queues_.shortest();
  if (receive_queues_.waiting(shortest) >= opts_.flags.query.max_queue)
    return call->respond(api::overloaded("too many requests are waiting"));
  call->place = receive_queues_.place(shortest);
  caf::anon_send(to.receive[shortest], call_atom_v, std::move(call));
}

void node::reload() {
  if (auto all = peers())
    caf::anon_send(all->config, reload_atom_v);
}

void node::end_waiting() {
  if (auto all = peers())
    caf::anon_send(all->feed, stop_atom_v);
}

void node::free_memory() {
  auto all = peers();
  if (!all || !store_->ready())
    return;
  if (store_->holds_too_much())
    caf::anon_send(all->maintenance, flush_atom_v);
  // Series that the storage refuses are not worth knowing.
  constexpr size_t spare = 4096;
  if (env_.memory && env_.memory->level() >= memory_level::no_growth)
    known_series_->forget_beyond(store_->series_count() + spare);
}

void node::forget_actors() {
  std::atomic_store(&links_, links_ptr());
  draft_ = {};
  supervisor_ = nullptr;
}

status node::close() {
  stopping_ = true;
  return store_->close();
}

}  // namespace troupe::actors
