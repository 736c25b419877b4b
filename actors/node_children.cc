// The children of a node with what each is given, in start order.
#include "actors/aggregate_actor.h"
#include "actors/audit_actor.h"
#include "actors/config_actor.h"
#include "actors/consume_actor.h"
#include "actors/discovery_actor.h"
#include "actors/federation_actor.h"
#include "actors/feed_actor.h"
#include "actors/http_actor.h"
#include "actors/ingest_actor.h"
#include "actors/log_actor.h"
#include "actors/maintenance_actor.h"
#include "actors/node.h"
#include "actors/notify_actor.h"
#include "actors/publish_actor.h"
#include "actors/query_actor.h"
#include "actors/router_actor.h"
#include "actors/rule_actor.h"
#include "actors/scrape_actor.h"
#include "actors/send_actor.h"
#include "actors/services.h"
#include "actors/spawn.h"
#include "config/config.h"
#include "pipeline/discover/target_groups.h"
#include "pipeline/federate/node_id.h"
#include "storage/base/hash.h"

namespace troupe::actors {

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
    store->set_series_budgets(series_budgets_of(*c));
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
      "publish", true, stop_routing,
      [&sys, detached, pp = publish_params_of()] {
        return spawn_child(sys, detached, publishing, pp);
      },
      true);
  add(
      "federation", true, stop_sources,
      [&sys, detached, fp = federation_params_of()] {
        return spawn_child(sys, detached, federating, fp);
      },
      true);
  add(
      "consume", true, stop_sources,
      [&sys, detached, cp = consume_params_of()] {
        return spawn_child(sys, detached, consuming, cp);
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
  p.manager.runner.inputs = {&marks_, &watermarks_};
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
                        f.web.enable_import || !config_->own.federation.empty() ||
                        !config_->own.consume.empty();
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

publish_params node::publish_params_of() {
  publish_params p;
  p.env.log = &store_->log();
  p.env.files = env_.files;
  p.env.metrics = env_.metrics;
  p.env.memory = env_.memory;
  p.env.kafka = env_.kafka;
  p.env.described = [this] { return store_->reader().metadata_of("", "", 0); };
  p.env.remote_write_keep_bytes = opts_.flags.remote_write.log_limit_bytes;
  p.env.folder = join_path(opts_.store.dir, "publish");
  p.env.node = node_id_;
  p.env.switches = &switches_;
  p.clk = env_.clk;
  p.board = &topics_;
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
  p.env.switches = &switches_;
  p.store = {store_->shard_count(), env_.metrics, env_.on_offer, env_.on_outcome};
  p.fetcher = env_.fetcher;
  p.clk = env_.clk;
  p.marks.marks = &marks_;
  p.marks.board = &watermarks_;
  return p;
}

consume_params node::consume_params_of() {
  consume_params p;
  p.env.files = env_.files;
  p.env.metrics = env_.metrics;
  p.env.kafka = env_.kafka;
  // Outlives the actor.
  p.env.known = std::shared_ptr<remote::series_cache>(std::shared_ptr<void>(), known_series_.get());
  p.env.folder = join_path(opts_.store.dir, "consume");
  p.env.quarantine = join_path(join_path(opts_.store.dir, "quarantine"), "kafka");
  p.env.switches = &switches_;
  p.store = {store_->shard_count(), env_.metrics, env_.on_offer, env_.on_outcome};
  p.clk = env_.clk;
  p.board = &topics_;
  p.marks.marks = &marks_;
  p.marks.board = &watermarks_;
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

}  // namespace troupe::actors
