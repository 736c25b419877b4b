#include "actors/node.h"

#include "actors/aggregate_actor.h"
#include "actors/audit_actor.h"
#include "actors/config_actor.h"
#include "actors/discovery_actor.h"
#include "actors/federation_actor.h"
#include "actors/feed_actor.h"
#include "actors/http_actor.h"
#include "actors/ingest_actor.h"
#include "actors/log_actor.h"
#include "actors/maintenance_actor.h"
#include "actors/notify_actor.h"
#include "actors/query_actor.h"
#include "actors/router_actor.h"
#include "actors/rule_actor.h"
#include "actors/scrape_actor.h"
#include "actors/send_actor.h"
#include "actors/services.h"
#include "actors/spawn.h"
#include "config/config.h"
#include "config/load.h"
#include "pipeline/discover/target_groups.h"
#include "pipeline/federate/node_id.h"
#include "pipeline/http/blocking_fetch.h"
#include "pipeline/http/snappy_encoder.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <caf/send.hpp>

namespace troupe::actors {

node::node(caf::actor_system& sys, node_options options, node_environment env)
    : sys_(sys),
      opts_(std::move(options)),
      env_(std::move(env)),
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
  set_reach(so);
  storage::environment se{env_.files, env_.clk, env_.metrics, env_.seed, env_.memory};
  TROUPE_ASSIGN(store_, storage::storage::open(so, se));
  node_id_ = federate::node_id(*env_.files, federation_folder(), env_.seed);
  build_reader();
  engine_ = std::make_unique<query::engine>(engine_options_of(opts_.flags, *config_), *env_.clk,
                                            env_.memory);
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
  s.rules = &rules_;
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

result<config_ptr> node::load() {
  TROUPE_ASSIGN(auto loaded, env_.load_config());
  TROUPE_ASSIGN([[maybe_unused]] const auto checked, remote_sources_of(*loaded));
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

std::vector<child_spec> node::children() {
  std::vector<child_spec> all;
  auto add = [&](std::string name, bool leaf, stop_phase phase, std::function<caf::actor()> start,
                 bool heartbeat) {
    child_spec c;
    c.name = std::move(name);
    c.start = std::move(start);
    c.leaf = leaf;
    c.stop_phase = phase;
    c.heartbeat_every = opts_.heartbeat_every;
    c.heartbeat_timeout = heartbeat ? opts_.heartbeat_timeout : std::chrono::milliseconds(0);
    all.push_back(std::move(c));
  };
  auto& sys = sys_;
  bool detached = opts_.detached;
  for (uint32_t i = 0; i < store_->shard_count(); ++i) {
    const bool interval = opts_.store.sync == storage::options::sync_mode::interval;
    std::chrono::milliseconds sync_every(interval ? opts_.store.sync_interval_ms : 0);
    ingest_params p{store_.get(), env_.metrics, i, opts_.ride_along, sync_every, env_.fatal};
    add(
        "ingest-" + std::to_string(i), false, stop_storage,
        [&sys, detached, p] { return spawn_child(sys, detached, ingest_shard, p); }, true);
  }
  shard_store_params door{store_->shard_count(), env_.metrics, env_.on_offer, env_.on_outcome};
  add(
      "router", true, stop_routing,
      [&sys, door] { return spawn_child(sys, false, batch_routing, door); }, true);
  for (size_t i = 0; i < opts_.receive_actors; ++i) {
    receive_params vp{api_.get(), door, env_.clk, &marks_};
    add(
        "receive-" + std::to_string(i), true, stop_routing,
        [&sys, detached, vp] { return spawn_child(sys, detached, receiving, vp); }, true);
  }
  // A worker computes for as long as a query may take, a compaction takes minutes: they have
  // deadlines of their own.
  for (size_t i = 0; i < opts_.query_workers + opts_.reserve_workers; ++i) {
    query_params qp{api_.get(), env_.clk, i};
    add(
        "query-" + std::to_string(i), true, stop_front,
        [&sys, detached, qp] { return spawn_child(sys, detached, query_worker, qp); }, false);
  }
  maintenance_params mp;
  mp.store = store_.get();
  mp.api = api_.get();
  mp.metrics = env_.metrics;
  mp.every = opts_.maintenance_every;
  mp.apply_config = [this, store = store_.get(), base = opts_.store](const config_ptr& c) {
    storage::options now = base;
    apply_storage_config(now, c->storage);
    now.retention_rules = with_dropped_inputs(now.retention_rules, *c);
    store->set_retention(now.retention_ms, now.retention_bytes);
    store->set_retention_rules(now.retention_rules);
    store->set_out_of_order_window(now.out_of_order_window_ms);
    set_reach(now);
  };
  add(
      "maintenance", true, stop_storage,
      [&sys, detached, mp] { return spawn_child(sys, detached, maintenance, mp); }, false);
  for (size_t i = 0; i < opts_.scrape_actors; ++i) {
    scrape_params sp = scrape_params_of(opts_.flags, i, opts_.scrape_actors);
    sp.pool.line_secret = (env_.seed + i) * 0x9e3779b97f4a7c15ULL;
    sp.longest_tick = opts_.longest_scrape_tick;
    sp.gather = opts_.scrape_gather;
    sp.fetcher = env_.fetcher;
    sp.clk = env_.clk;
    sp.metrics = env_.metrics;
    sp.endpoints = env_.endpoints;
    sp.lines = lines_.get();
    add(
        "scrape-" + std::to_string(i), true, stop_sources,
        [&sys, sp] { return spawn_child(sys, false, scraping, sp); }, true);
  }
  for (size_t i = 0; i < opts_.rule_actors; ++i)
    add(
        "rules-" + std::to_string(i), true, stop_sources,
        [&sys, detached, rp = rule_params_of(i)] {
          return spawn_child(sys, detached, evaluating, rp);
        },
        false);
  add(
      "aggregate", true, stop_sources,
      [&sys, detached, ap = aggregate_params_of()] {
        return spawn_child(sys, detached, aggregating, ap);
      },
      true);
  discovery_params dp;
  dp.env = {env_.files, nullptr, env_.metrics, env_.endpoints};
  dp.make_watcher = env_.make_watcher;
  dp.fetcher = env_.fetcher;
  dp.clk = env_.clk;
  dp.every = opts_.discovery_every;
  add(
      "discovery", true, stop_front, [&sys, dp] { return spawn_child(sys, false, discovery, dp); },
      true);
  notify_params np;
  np.options = notifier_options_of(opts_.flags);
  np.env = dp.env;
  np.make_watcher = env_.make_watcher;
  np.fetcher = env_.fetcher;
  np.clk = env_.clk;
  np.every = opts_.discovery_every;
  np.publish = [this](alertmanagers_state_ptr s) {
    std::atomic_store(&alertmanagers_, std::move(s));
  };
  // After whoever raises alerts.
  add(
      "notify", true, stop_routing,
      [&sys, np] { return spawn_child(sys, false, notification, np); }, true);
  add(
      "send", true, stop_routing,
      [&sys, detached, sp = send_params_of()] { return spawn_child(sys, detached, sending, sp); },
      true);
  add(
      "federation", true, stop_sources,
      [&sys, detached, fp = federation_params_of()] {
        return spawn_child(sys, detached, federating, fp);
      },
      true);
  add(
      "feed", true, stop_front,
      [&sys, detached, fp = feed_params_of()] { return spawn_child(sys, detached, feeding, fp); },
      true);
  http_params hp;
  hp.api = api_.get();
  hp.clk = env_.clk;
  hp.metrics = env_.metrics;
  hp.query_workers = opts_.query_workers;
  hp.reserve_workers = opts_.reserve_workers;
  hp.max_queue = opts_.flags.query.max_queue;
  hp.queue_timeout_ms = opts_.flags.query.timeout_ms;
  hp.read_limit = opts_.flags.remote_read.concurrent_limit;
  hp.render_config = [](const config_ptr& c) { return config::to_yaml(*c); };
  hp.quit = env_.quit;
  add(
      "http", true, stop_front, [&sys, hp] { return spawn_child(sys, false, http_bridge, hp); },
      true);
  // After the others, so that their last lines are written, too.
  add(
      "log", true, stop_routing,
      [&sys, detached, lines = lines_.get()] {
        return spawn_child(sys, detached, log_writing, log_params{lines});
      },
      false);
  config_params cp;
  cp.load = [this] { return load(); };
  if (opts_.flags.features.auto_reload_config) {
    cp.checksum = env_.config_checksum;
    cp.initial_checksum = first_checksum_;
    cp.auto_reload_every = auto_reload_interval_of(opts_.flags);
  }
  cp.accepted = [this](const config_ptr& c) { accept(c); };
  cp.attempted = [this](bool ok) {
    reload_ok_ = ok;
    if (ok)
      reload_time_ = env_.clk->now_ms();
  };
  cp.metrics = env_.metrics;
  cp.clk = env_.clk;
  add(
      "config", true, stop_front,
      [this, &sys, detached, cp] {
        // One that is started again goes on with what is in force now.
        auto p = cp;
        p.initial = std::atomic_load(&config_);
        return spawn_child(sys, detached, configuration, p);
      },
      true);
  if (opts_.flags.audit.canary) {
    audit_params ap;
    constexpr int64_t least_interval_ms = 1000;
    ap.canary = {store_->shard_count(), std::max(opts_.flags.audit.interval_ms, least_interval_ms)};
    ap.engine = engine_.get();
    ap.data = &store_->reader();
    ap.clk = env_.clk;
    ap.metrics = env_.metrics;
    ap.readable = [this] { return store_->ready(); };
    ap.reach_ms = [this] { return reach_ms_.load(); };
    add(
        "audit", true, stop_sources, [&sys, ap] { return spawn_child(sys, false, auditing, ap); },
        true);
  }
  return all;
}

rule_params node::rule_params_of(size_t index) {
  const auto& f = opts_.flags;
  rule_params p;
  auto& r = p.manager.runner;
  r.data = reader_.get();
  r.queries = rule_queries_.get();
  r.clk = env_.clk;
  r.live_wait_ms = f.rules.max_wait_ms;
  r.catch_up_wait_ms = f.rules.catch_up_wait_ms;
  r.reach_ms = f.rules.catch_up_reach_ms;
  auto& a = p.manager.alerts;
  a.external_url = external_url_of(f.web);
  a.resend_delay_ms = f.rules.resend_delay_ms;
  a.outage_tolerance_ms = f.rules.outage_tolerance_ms;
  a.grace_period_ms = f.rules.grace_period_ms;
  a.templates = templates_.get();
  p.manager.parse = engine_->options().parse;
  p.manager.board = &rules_;
  p.manager.metrics = env_.metrics;
  p.manager.owns = [index, count = opts_.rule_actors](const std::string& key) {
    return xxh3(key) % count == index;
  };
  p.store = {store_->shard_count(), env_.metrics, env_.on_offer, env_.on_outcome};
  p.clk = env_.clk;
  p.marks = &marks_;
  p.readable = [this] { return store_->ready(); };
  p.senders_return_ms = senders_return_ms();
  return p;
}

int64_t node::senders_return_ms() const {
  // Shorter than what the present waits for the past: a quick restart goes on as one.
  const auto& f = opts_.flags;
  const bool receives = f.web.enable_remote_write_receiver || f.web.enable_otlp_receiver ||
                        f.web.enable_import || !config_->own.federation.empty();
  return receives ? f.rules.max_wait_ms * 3 / 4 : 0;
}

aggregate_params node::aggregate_params_of() {
  aggregate_params p;
  p.options.catch_up_wait_ms = opts_.flags.rules.catch_up_wait_ms;
  p.env.log = &store_->log();
  p.env.files = env_.files;
  p.env.metrics = env_.metrics;
  p.env.folder = join_path(opts_.store.dir, "stream_aggregation");
  p.store = {store_->shard_count(), env_.metrics, env_.on_offer, env_.on_outcome};
  p.clk = env_.clk;
  p.marks = &marks_;
  p.readable = [this] { return store_->ready(); };
  p.senders_return_ms = senders_return_ms();
  return p;
}

send_params node::send_params_of() {
  send_params p;
  p.options = destination_options_of(opts_.flags);
  p.env.log = &store_->log();
  p.env.files = env_.files;
  p.env.metrics = env_.metrics;
  p.env.memory = env_.memory;
  p.env.endpoints = env_.endpoints;
  p.env.described = [this] { return store_->reader().metadata_of("", "", 0); };
  p.env.environment = env_.environment;
  p.env.folder = join_path(opts_.store.dir, "remote_write");
  p.fetcher = env_.fetcher;
  p.clk = env_.clk;
  return p;
}

federation_params node::federation_params_of() {
  federation_params p;
  p.env.files = env_.files;
  p.env.metrics = env_.metrics;
  p.env.endpoints = env_.endpoints;
  p.env.known = known_series_.get();
  p.env.folder = federation_folder();
  p.env.node = federate::id_text(node_id_);
  p.store = {store_->shard_count(), env_.metrics, env_.on_offer, env_.on_outcome};
  p.fetcher = env_.fetcher;
  p.clk = env_.clk;
  p.marks = &marks_;
  return p;
}

feed_params node::feed_params_of() {
  feed_params p;
  p.env.feeds = {&store_->log(), node_id_, feed_options_of(opts_.flags)};
  p.env.metrics = env_.metrics;
  p.env.described = [this] { return store_->reader().metadata_of("", "", 0); };
  p.env.readable = [this] { return store_->ready(); };
  p.clk = env_.clk;
  return p;
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
