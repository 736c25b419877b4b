#include "tests/actors/simulation/traffic.h"

#include "config/config.h"
#include "pipeline/http/endpoint.h"
#include "storage/model/tenant.h"
#include "tests/support/remote_write_body.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace troupe::simulation {

namespace {

constexpr size_t target_count = 12;
constexpr size_t client_count = 3;

http::request post(std::string path, http::params query, std::string body = {}) {
  http::request r;
  r.method = "POST";
  r.path = std::move(path);
  r.query = std::move(query);
  r.body = std::move(body);
  return r;
}

std::string seconds(timestamp_ms t) {
  return fmt::format("{}.{:03}", t / 1000, t % 1000);
}

double number(const boost::json::value& v) {
  std::string_view text(v.get_string().data(), v.get_string().size());
  if (text == "NaN")
    return std::nan("");
  if (text == "+Inf" || text == "-Inf")
    return text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  double x = 0;
  std::from_chars(text.data(), text.data() + text.size(), x);
  return x;
}

std::string series_of(const boost::json::value& metric) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [k, v] : metric.get_object())
    pairs.emplace_back(std::string(k), std::string(v.get_string()));
  return labels::from(std::move(pairs)).to_string();
}

}  // namespace

// ----------------------------------------------------------------------------------------------------
// targets

std::string sim_fetcher::body(size_t t) {
  uint64_t n = scrapes_[t]++;
  std::string out = "# HELP sim_counter A counter.\n# TYPE sim_counter counter\n";
  for (size_t k = 0; k < 3; ++k)
    out += fmt::format("sim_counter{{k=\"{}\"}} {}\n", k, n * (k + 1) + t * 1000);
  out += fmt::format("sim_float {}\n", static_cast<double>(world_.rng.below(1'000'000)) / 1024.0);
  if ((n / 5 + t) % 3 != 0)
    out += fmt::format("sim_sometimes {}\n", n);
  if (n % 7 == 3)
    out += "sim_special NaN\n";
  else if (n % 7 == 5)
    out += "sim_special -0\n";
  else
    out += fmt::format("sim_special {}\n", n % 7 == 1 ? "+Inf" : "0.1");
  if (t % 4 == 0)  // explicit timestamps that repeat and lag
    out += fmt::format("sim_stamped {} {}\n", n / 2, (world_.now_ms() / 10'000) * 10'000 - 20'000);
  return out;
}

void sim_fetcher::fetch(std::vector<http::fetch_request> batch, done_fn done) {
  for (auto& r : batch) {
    http::fetch_result got;
    got.token = r.token;
    got.started_ms = world_.now_ms();
    int64_t latency = 1 + static_cast<int64_t>(world_.rng.below(40));
    got.duration_ns = latency * 1'000'000;
    if (static_cast<int>(world_.rng.below(100)) < error_percent) {
      if (world_.rng.below(2))
        got.error = {errc::timeout, "context deadline exceeded"};
      else
        got.code = 500;
    } else {
      size_t t = 0;
      const std::string& host = r.to->where().host;
      std::from_chars(host.data() + 1, host.data() + host.size(), t);
      got.code = 200;
      got.content_type = "text/plain; version=0.0.4";
      got.body = body(t);
      got.wire_bytes = got.body.size();
    }
    world_.in(
        latency,
        [done, got = std::move(got)]() mutable {
          std::vector<http::fetch_result> one;
          one.push_back(std::move(got));
          done(std::move(one));
        },
        true);
  }
}

// ----------------------------------------------------------------------------------------------------
// set-up

traffic::traffic(const scenario& s) : scenario_(s), world_(s.seed), next_write_(client_count) {
  auto f = std::make_unique<sim_fetcher>(world_);
  fetcher_ = f.get();
  world_.fetcher = std::move(f);
  world_.load_config = [this]() -> result<actors::config_ptr> { return make_config(); };
  world_.on_offer = [this](const batch_ptr& b) {
    if (b->tenant == audit_tenant)
      return;  // the node's own canary has its own check
    ++result_.batches;
    oracle_.offered(*b);
    if (region_)
      region_->offered(*b);
  };
  world_.on_outcome = [this](const batch_ptr& b, const ingest::outcome& o) {
    world_.note(o.error.ok() ? "ok" : o.error.message());
    if (b->tenant == audit_tenant)
      return;
    if (!o.error.ok() || o.report.refused() != 0)
      return;
    oracle_.acknowledged(*b);
    if (region_)
      region_->acknowledged(*b);
  };
  if (scenario_.region)
    region_ = std::make_unique<sim_region>(world_, oracle_, scenario_,
                                           [this](bool power_cut) { restart(power_cut); });
}

actors::config_ptr traffic::make_config() {
  auto c = std::make_shared<config::config>();
  config::scrape_config job;
  job.job_name = "sim";
  job.scrape_interval_ms = 6'000;
  job.scrape_timeout_ms = 3'000;
  job.scrape_protocols = {config::scrape_protocol::prometheus_text_0_4};
  config::target_group group;
  for (size_t t = 0; t < target_count; ++t)
    group.targets.push_back(fmt::format("t{}:80", t));
  job.discovery.static_groups.push_back(std::move(group));
  c->scrape_configs.push_back(std::move(job));
  if (region_)
    region_->configure(*c);
  return c;
}

// ----------------------------------------------------------------------------------------------------
// clients

void traffic::schedule_writes() {
  for (size_t c = 0; c < client_count; ++c) {
    auto again = std::make_shared<std::function<void()>>();
    *again = [this, c, again] {
      if (world_.elapsed_ms() > scenario_.length_ms) {
        return;
      }
      if (world_.alive())
        write_once(c);
      world_.in(4'000 + static_cast<int64_t>(world_.rng.below(3'000)), *again);
    };
    world_.in(500 + static_cast<int64_t>(world_.rng.below(2'000)), *again);
  }
}

void traffic::write_once(size_t client) {
  // Lanes: steady; out of order; two writers that disagree; one that will be deleted.
  uint64_t n = next_write_[client]++;
  timestamp_ms now = world_.now_ms();
  std::vector<support::write_series> body;
  auto add = [&](const std::string& lane, timestamp_ms ts, double v) {
    body.push_back({labels::from({{"__name__", "rw_" + lane},
                                  {"job", "rw"},
                                  {"instance", fmt::format("w{}", client)},
                                  {"host", fmt::format("h{}", n % 3)}}),
                    {{ts, v}}});
  };
  add("steady", now, static_cast<double>(n) * 1.5);
  add("late", now - 1'000 - static_cast<int64_t>(world_.rng.below(200'000)),
      static_cast<double>(n));
  timestamp_ms shared = now / 5'000 * 5'000;
  add("conflict", shared, static_cast<double>(world_.rng.below(5)));
  if (world_.elapsed_ms() < scenario_.length_ms / 2)
    add("doomed", now, static_cast<double>(n));
  std::string bytes = support::remote_write_body(body);
  auto send = [this, bytes] {
    auto r = post("/api/v1/write", {}, bytes);
    r.header_fields = {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}};
    world_.call(std::move(r),
                [this](const http::response& a) { world_.note(std::to_string(a.status)); });
  };
  send();
  // Retries of what was stored already, soon or much later.
  if (world_.rng.below(3) == 0)
    world_.in(static_cast<int64_t>(world_.rng.below(60'000)), send);
}

// ----------------------------------------------------------------------------------------------------
// queries

void traffic::schedule_queries() {
  auto again = std::make_shared<std::function<void()>>();
  *again = [this, again] {
    if (world_.elapsed_ms() > scenario_.length_ms) {
      return;
    }
    if (world_.alive() && world_.node().not_ready().empty())
      query_once();
    world_.in(8'000 + static_cast<int64_t>(world_.rng.below(8'000)), *again);
  };
  world_.in(20'000, *again);
}

void traffic::query_once() {
  auto window = static_cast<int64_t>(60'000 + world_.rng.below(500'000));
  switch (world_.rng.below(4)) {
    case 0:
      check_raw(fmt::format("{{instance=\"t{}:80\"}}", world_.rng.below(target_count)), "", window);
      break;
    case 1:
      check_raw("{__name__=~\"rw_.*\"}", "rw_", window);
      break;
    case 2:
      check_count(fmt::format("sim_counter{{instance=\"t{}:80\", job=\"sim\", k=\"{}\"}}",
                              world_.rng.below(target_count), world_.rng.below(3)),
                  window);
      break;
    default:
      check_raw("sim_sometimes", "sim_sometimes", window);
  }
}

void traffic::check_raw(const std::string& selector, const std::string& prefix, int64_t window) {
  timestamp_ms now = world_.now_ms();
  world_.call(post("/api/v1/query",
                   {{"query", fmt::format("{}[{}ms]", selector, window)}, {"time", seconds(now)}}),
              [=, this](const http::response& r) {
                world_.note(r.body);
                if (r.status == 503)
                  return;
                ++result_.queries_checked;
                compare(prefix, now - window, now, r);
              });
}

void traffic::compare(const std::string& prefix, timestamp_ms mint, timestamp_ms maxt,
                      const http::response& r) {
  if (r.status != 200) {
    fail(fmt::format("a query gave {}: {}", r.status, r.body));
    return;
  }
  auto answer = boost::json::parse(r.body);
  std::map<std::string, std::vector<point>> got;
  for (const auto& s : answer.at("data").at("result").as_array()) {
    auto& list = got[series_of(s.at("metric"))];
    for (const auto& p : s.at("values").as_array())
      list.push_back({static_cast<timestamp_ms>(std::llround(p.at(0).to_number<double>() * 1000)),
                      number(p.at(1))});
  }
  for (const auto& [series, points] : got) {
    if (auto wrong = oracle_.check(series, mint, maxt, points); !wrong.empty())
      fail(wrong);
  }
  if (prefix.empty())
    return;
  for (const auto& series : oracle_.expected_series(prefix == "*" ? "" : prefix, mint, maxt)) {
    if (!got.contains(series))
      fail(fmt::format("series {} is missing as a whole in ({}, {}]", series, mint, maxt));
  }
}

void traffic::check_count(const std::string& series, int64_t window) {
  timestamp_ms now = world_.now_ms();
  int64_t before = oracle_.certain_count(series, now - window, now);
  world_.call(
      post("/api/v1/query", {{"query", fmt::format("count_over_time({}[{}ms])", series, window)},
                             {"time", seconds(now)}}),
      [=, this](const http::response& r) {
        world_.note(r.body);
        // What was in flight when the query was asked or answered makes no certain count.
        if (r.status != 200 || before < 0 ||
            before != oracle_.certain_count(series, now - window, now))
          return;
        ++result_.queries_checked;
        auto answer = boost::json::parse(r.body);
        const auto& list = answer.at("data").at("result").as_array();
        double count = list.empty() ? 0 : number(list.front().at("value").at(1));
        if (count != static_cast<double>(before))
          fail(fmt::format("count_over_time({}) is {}, the reference has {}", series, count,
                           before));
      });
}

// ----------------------------------------------------------------------------------------------------
// deletion

void traffic::schedule_deletes() {
  // The doomed lane is not written any more in the second half, retries of up to a minute included.
  world_.in(scenario_.length_ms / 2 + 70'000, [this] {
    if (!world_.alive() || !world_.node().not_ready().empty())
      return;
    std::string series =
        labels::from({{"__name__", "rw_doomed"}, {"job", "rw"}, {"instance", "w0"}, {"host", "h1"}})
            .to_string();
    timestamp_ms now = world_.now_ms();
    timestamp_ms mint = now - scenario_.length_ms / 2, maxt = now - scenario_.length_ms / 3;
    auto answered = std::make_shared<bool>(false);
    world_.call(post("/api/v1/admin/tsdb/delete_series",
                     {{"match[]", series}, {"start", seconds(mint)}, {"end", seconds(maxt)}}),
                [=, this](const http::response& r) {
                  *answered = true;
                  if (r.status == 204)
                    oracle_.deleted(series, mint, maxt);
                  else
                    oracle_.forget(series);
                });
    if (!*answered)
      world_.in(5'000, [=, this] {
        if (!*answered)
          oracle_.forget(series);
      });
  });
}

// ----------------------------------------------------------------------------------------------------
// faults

void traffic::schedule_faults() {
  if (!scenario_.faults)
    return;
  size_t n = 2 + world_.rng.below(3);
  for (size_t i = 0; i < n; ++i) {
    auto at = static_cast<int64_t>(
        60'000 + world_.rng.below(static_cast<uint64_t>(scenario_.length_ms - 120'000)));
    world_.in(at, [this] { strike(); });
  }
  // At least one restart in every history.
  world_.in(scenario_.length_ms * 2 / 3, [this] { restart(world_.rng.below(4) != 0); });
}

void traffic::strike() {
  if (healed_)
    return;
  world_.count_fault();
  switch (world_.rng.below(6)) {
    case 0:
    case 1:
      restart(true);
      break;
    case 2:
      restart(false);
      break;
    case 3:  // a slow disk for a while
      world_.sync_cost_us = 150'000;
      world_.in(20'000, [this] { world_.sync_cost_us = 200; });
      break;
    case 4:  // a full disk for a while
      world_.fs.set_space_limit(world_.fs.used_bytes() + 2'000);
      world_.in(15'000, [this] { world_.fs.set_space_limit(0); });
      break;
    default:  // an I/O error: the node must end itself and lose nothing
      world_.fs.fail_nth(1 + world_.rng.below(40), errc::io_error, false,
                         support::op_append | support::op_sync);
      world_.in(10'000, [this] { world_.fs.clear_faults(); });
  }
}

void traffic::restart(bool power_cut) {
  if (!world_.running())
    return;  // down already; its next start is planned
  world_.count_fault();
  ++result_.restarts;
  world_.fs.clear_faults();
  world_.fs.set_space_limit(0);
  world_.crash(power_cut);
  if (scenario_.wal_damage)
    damage_wal();
  world_.in(static_cast<int64_t>(world_.rng.below(15'000)), [this, life = world_.incarnation()] {
    if (world_.incarnation() != life)
      return;
    world_.boot();
    // A disk that fails during the start ends the process; the service manager tries again.
    if (world_.dead() && world_.fs.fault_struck()) {
      world_.fs.clear_faults();
      world_.crash(false);
      world_.boot();
    }
    if (world_.dead())
      fail("the node does not start: " + world_.cause_of_death());
  });
}

void traffic::damage_wal() {
  auto files = world_.fs.files("data/wal");
  if (files.empty())
    return;
  for (int n = 0; n < 3; ++n) {
    const auto& path = files[world_.rng.below(files.size())];
    uint64_t size = world_.fs.content(path).size();
    if (size == 0)
      continue;
    oracle_.tolerate_loss();
    if (region_)
      region_->tolerate_loss();
    world_.fs.flip_bit(path, world_.rng.below(size), static_cast<unsigned>(world_.rng.below(8)));
  }
}

// ----------------------------------------------------------------------------------------------------
// the run

bool traffic::wait_ready(int64_t limit_ms) {
  return world_.run_while_not(
      [this] {
        if (world_.dead() && world_.incarnation() > 0 && !world_.cause_of_death().empty())
          restart(true);
        return world_.alive() && world_.node().not_ready().empty();
      },
      limit_ms);
}

void traffic::final_audit() {
  constexpr std::array<std::pair<const char*, const char*>, 3> all{
      {{"{__name__=~\".+\"}", "*"},
       {"{__name__=~\"rw_.*\"}", "rw_"},
       {"sim_sometimes", "sim_sometimes"}}};
  for (const auto& [selector, prefix] : all) {
    timestamp_ms now = world_.now_ms();
    int64_t window = world_.elapsed_ms() + 300'000;
    bool done = false;
    world_.call(post("/api/v1/query", {{"query", fmt::format("{}[{}ms]", selector, window)},
                                       {"time", seconds(now)}}),
                [&, prefix](const http::response& r) {
                  done = true;
                  world_.note(r.body);
                  compare(prefix, now - window, now, r);
                  ++result_.queries_checked;
                });
    if (!world_.run_while_not([&] { return done; }, 60'000))
      return fail("the final query was not answered");
  }
}

// All that both sides wrote must come through.
void traffic::audit_region() {
  region_->close();
  world_.run_until(world_.elapsed_ms() + 5'000);
  if (!world_.run_while_not([this] { return region_->is_through(); }, 90'000))
    return fail("the region does not catch up: " + region_->progress());
  if (auto wrong = region_->check(); !wrong.empty())
    fail(wrong);
  result_.published = region_->published();
  result_.consumed = region_->consumed();
  world_.note(fmt::format("{} published, {} consumed", result_.published, result_.consumed));
}

run_result traffic::run() {
  world_.boot();
  if (world_.dead()) {
    fail("the first start failed: " + world_.cause_of_death());
    return result_;
  }
  schedule_writes();
  schedule_queries();
  schedule_deletes();
  schedule_faults();
  if (region_)
    region_->schedule();
  while (world_.elapsed_ms() < scenario_.length_ms && result_.error.empty()) {
    world_.step();
    if (world_.dead() && !world_.cause_of_death().empty())
      restart(world_.rng.below(2) == 0);
  }
  // Heal, let retries and commits come through, restart once more, and ask for everything.
  world_.fs.clear_faults();
  world_.fs.set_space_limit(0);
  world_.sync_cost_us = 200;
  fetcher_->error_percent = 0;
  healed_ = true;
  if (region_)
    region_->heal();
  if (result_.error.empty() && !wait_ready(60'000))
    fail("the node did not become ready after healing: " + world_.node().not_ready());
  if (result_.error.empty()) {
    world_.run_until(world_.elapsed_ms() + 10'000);
    final_audit();
  }
  if (result_.error.empty()) {
    if (world_.rng.below(2) == 0)
      world_.crash(true);
    else if (auto why = world_.stop(); !why.empty())
      fail("the ordered stop failed: " + why);
    world_.boot();
    if (!wait_ready(60'000))
      fail("the node did not become ready after the last restart");
    else if (region_)
      audit_region();
    if (result_.error.empty())
      final_audit();
  }
  // The node's own opinion: its canary must have lost nothing but what a damaged log may cost.
  const auto audited = world_.audited();
  const bool lost = audited.missing != 0 && !scenario_.wal_damage;
  if (result_.error.empty() && (lost || audited.doubled + audited.wrong != 0))
    fail(fmt::format("the canary counts {} missing, {} doubled, {} wrong samples", audited.missing,
                     audited.doubled, audited.wrong));
  if (result_.error.empty() && audited.checked == 0)
    fail("the canary was never read back");
  result_.digest = world_.digest();
  result_.faults = world_.faults_struck();
  result_.samples = oracle_.samples();
  return result_;
}

run_result play(const scenario& s) {
  return traffic(s).run();
}

}  // namespace troupe::simulation
