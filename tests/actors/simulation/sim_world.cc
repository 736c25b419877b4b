#include "tests/actors/simulation/sim_world.h"

#include "pipeline/http/endpoint.h"
#include "storage/base/check.h"
#include "storage/base/hash.h"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <array>

namespace troupe::simulation {

namespace {

struct sim_config : caf::actor_system_config {
  sim_config() {
    set("scheduler.policy", caf::atom("testing"));
    add_message_types<caf::id_block::troupe>();
  }
};

int64_t to_ns(caf::actor_clock::time_point t) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count();
}

}  // namespace

uint64_t sim_world::hash(std::string_view what) {
  return xxh3(what);
}

sim_world::sim_world(uint64_t seed)
    : clk(1'700'000'000'000 + static_cast<int64_t>(seed % 1000) * 977),
      rng(seed * 2 + 1),
      fs(seed),
      start_ms_(clk.now_ms()) {
  fs.on_sync([this](uint64_t) {
    // Time passes while the disk works; whatever becomes due meanwhile runs when the handler is
    // through.
    if (node_) {
      clk.advance_ms((sync_cost_us + static_cast<int64_t>(rng.below(1000))) / 1000);
      sched().clock().current_time =
          caf::actor_clock::time_point(std::chrono::nanoseconds(clk.monotonic_ns()));
    }
  });
}

sim_world::~sim_world() {
  if (node_)
    crash(false);
}

caf::scheduler::test_coordinator& sim_world::sched() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(sys_->scheduler());
}

void sim_world::in(int64_t ms, std::function<void()> f, bool with_node) {
  events_.emplace(clk.monotonic_ns() + ms * 1'000'000,
                  event{std::move(f), with_node ? incarnation_ : 0});
}

bool sim_world::run_one_job() {
  if (!sys_)
    return false;
  auto& s = sched();
  if (s.jobs.empty())
    return false;
  if (s.jobs.size() > 1) {
    auto k = static_cast<std::ptrdiff_t>(rng.below(s.jobs.size()));
    std::rotate(s.jobs.begin(), s.jobs.begin() + k, s.jobs.end());
  }
  s.run_once();
  return true;
}

void sim_world::advance_to(int64_t mono_ns) {
  int64_t delta = mono_ns - clk.monotonic_ns();
  if (delta > 0)
    clk.advance_ms((delta + 999'999) / 1'000'000);
  if (!sys_)
    return;
  auto target = caf::actor_clock::time_point(std::chrono::nanoseconds(clk.monotonic_ns()));
  auto& c = sched().clock();
  c.advance_time(std::max(target - c.current_time, caf::actor_clock::duration_type(0)));
}

void sim_world::step() {
  while (run_one_job()) {
    if (dead_)
      return;
  }
  int64_t next = INT64_MAX;
  if (!events_.empty())
    next = events_.begin()->first;
  if (sys_ && !sched().clock().schedule().empty())
    next = std::min(next, to_ns(sched().clock().schedule().begin()->first));
  if (next == INT64_MAX)
    return;
  advance_to(next);
  while (!events_.empty() && events_.begin()->first <= clk.monotonic_ns()) {
    event e = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    if (e.incarnation == 0 || (e.incarnation == incarnation_ && alive()))
      e.run();
  }
}

void sim_world::run_until(int64_t elapsed) {
  while (elapsed_ms() < elapsed)
    step();
}

bool sim_world::run_while_not(const std::function<bool()>& done, int64_t limit_ms) {
  int64_t until = elapsed_ms() + limit_ms;
  while (!done()) {
    if (elapsed_ms() > until)
      return false;
    step();
  }
  return true;
}

void sim_world::boot() {
  TROUPE_CHECK(!node_ && !sys_);
  ++incarnation_;
  dead_ = false;
  cause_.clear();
  cfg_ = std::make_unique<sim_config>();
  sys_ = std::make_unique<caf::actor_system>(*cfg_);
  sched().clock().current_time =
      caf::actor_clock::time_point(std::chrono::nanoseconds(clk.monotonic_ns()));
  metrics_ = std::make_unique<registry>();
  actors::node_environment env;
  env.files = &fs;
  env.clk = &clk;
  env.metrics = metrics_.get();
  env.fetcher = fetcher.get();
  env.kafka = kafka;
  env.endpoints.settings = [this](const config::http_client_config& c) {
    return http::make_client_settings(c, {&fs, "sim"});
  };
  env.endpoints.endpoint = [](std::string_view url, http::client_settings_ptr settings,
                              http::headers extra) {
    return http::make_endpoint(url, std::move(settings), std::move(extra));
  };
  env.budget = std::make_shared<http::byte_budget>(64u << 20);
  env.seed = rng.next();
  env.load_config = load_config;
  env.fatal = [this, life = incarnation_](actors::exit_code, const std::string& why) {
    if (life == incarnation_) {
      dead_ = true;
      cause_ = why;
    }
  };
  env.quit = [] {};
  env.on_offer = [this](const batch_ptr& b) {
    if (!dead_)
      on_offer(b);
  };
  env.on_outcome = [this](const batch_ptr& b, const ingest::outcome& o) {
    if (!dead_)
      on_outcome(b, o);
  };
  actors::node_options o;
  o.flags.web.enable_admin_api = true;
  o.flags.web.enable_remote_write_receiver = true;
  o.store.dir = "data";
  o.store.shards = 1 + static_cast<uint32_t>(rng.below(3));
  o.store.snapshot_interval_ms = std::array<int64_t, 3>{0, 20'000, 200'000}[rng.below(3)];
  o.store.wal_segment_bytes = uint64_t{24u << 10} << rng.below(4);
  o.store.key_frame_interval = 3 + static_cast<uint32_t>(rng.below(14));
  o.store.min_block_ms = 90'000;
  o.store.max_block_ms = 270'000;
  o.store.max_exemplars = 100;
  o.detached = false;
  o.scrape_actors = 1 + rng.below(2);
  o.query_workers = 1;
  o.reserve_workers = 1;
  o.longest_scrape_tick = std::chrono::seconds(1);
  o.discovery_every = std::chrono::seconds(5);
  o.maintenance_every = std::chrono::seconds(20);
  o.heartbeat_every = std::chrono::seconds(60);
  auto started = actors::node::start(*sys_, std::move(o), std::move(env));
  if (!started.ok()) {
    dead_ = true;
    cause_ = started.error().to_string();
    return;
  }
  node_ = std::move(*started);
}

void sim_world::crash(bool power_cut) {
  dead_ = true;
  if (power_cut)
    fs.crash();
  else
    fs.kill();
  bury();
}

void sim_world::bury() {
  dead_ = true;
  if (sys_ && node_) {
    auto all = node_->peers();
    caf::anon_send_exit(node_->supervisor(), caf::exit_reason::kill);
    if (all) {
      auto end = [](const auto& h) { caf::anon_send_exit(h, caf::exit_reason::kill); };
      for (const auto& h : all->ingest)
        end(h);
      for (const auto& h : all->receive)
        end(h);
      for (const auto& h : all->query)
        end(h);
      for (const auto& h : all->scrape)
        end(h);
      for (const auto& h : all->rules)
        end(h);
      end(all->router);
      end(all->discovery);
      end(all->maintenance);
      end(all->http);
      end(all->config);
      end(all->log);
      end(all->notify);
      end(all->send);
      end(all->federation);
      end(all->publish);
      end(all->consume);
      end(all->feed);
      end(all->aggregate);
      end(all->audit);
    }
    all.reset();
    while (sched().try_run_once()) {
    }
  }
  if (node_)
    node_->forget_actors();
  audited_ = audited();
  if (on_end && metrics_)
    on_end(*metrics_);
  sys_.reset();
  cfg_.reset();
  node_.reset();
  metrics_.reset();
}

sim_world::audit_counts sim_world::audited() const {
  audit_counts sum = audited_;
  if (!metrics_)
    return sum;
  auto add = [this](uint64_t& to, std::string_view name) {
    to += static_cast<uint64_t>(metrics_->get_counter(name, "").value());
  };
  add(sum.checked, "troupe_audit_checked_total");
  add(sum.missing, "troupe_audit_missing_total");
  add(sum.doubled, "troupe_audit_doubled_total");
  add(sum.wrong, "troupe_audit_wrong_total");
  add(sum.failed, "troupe_audit_reads_failed_total");
  return sum;
}

std::string sim_world::stop() {
  bool stopped = false;
  close_error_.clear();
  {
    caf::scoped_actor self{*sys_, true};
    auto answer = self->request(node_->supervisor(), caf::infinite, actors::stop_atom_v);
    for (int i = 0; i < 10'000; ++i) {
      if (!run_one_job())
        break;
    }
    // Deadlines of the stop run on the virtual clock.
    for (int i = 0; i < 100 && !self->has_next_message(); ++i) {
      advance_to(clk.monotonic_ns() + 100'000'000);
      while (run_one_job()) {
      }
    }
    if (self->has_next_message())
      answer.receive([&](actors::stopped_atom) { stopped = true; }, [](caf::error&) {});
  }
  TROUPE_CHECK(stopped);
  if (status s = node_->close(); !s.ok())
    close_error_ = s.to_string();
  bury();
  return close_error_;
}

void sim_world::call(http::request r, std::function<void(const http::response&)> then) {
  if (!alive()) {
    then({503, "text/plain", {}, "no node"});
    return;
  }
  node_->handle(std::move(r),
                [this, life = incarnation_, then = std::move(then)](http::response answer) {
                  if (life != incarnation_ || dead_)
                    return;
                  while (answer.stream) {
                    if (!answer.stream(answer.body))
                      answer.stream = nullptr;
                  }
                  then(answer);
                });
}

}  // namespace troupe::simulation
