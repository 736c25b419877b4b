#include "pipeline/scrape/scrape_pool.h"

#include "pipeline/scrape/schedule.h"
#include "storage/base/random.h"
#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::http {
// The pool only passes these on; the test needs to know which target a fetch is for.
class client_settings {};
class endpoint {
 public:
  std::string url;
  headers extra;
};
}  // namespace troupe::http

namespace troupe::scrape {
namespace {

constexpr timestamp_ms start_ms = 1'700'000'000'000;

class PoolTest : public testing::Test {
 protected:
  struct done {
    timestamp_ms at = 0;
    batch_ptr batch;
    std::string url;
  };

  explicit PoolTest(pool_options options = {}) : options_(std::move(options)) { make_pool(); }

  void make_pool() {
    pool_environment env;
    env.metrics = &metrics_;
    env.endpoints.endpoint = [this](std::string_view url, discover::client_settings_ptr,
                                    http::headers extra) -> result<http::endpoint_ptr> {
      ++endpoints_made_;
      if (url.find("invalid") != std::string_view::npos)
        return {errc::invalid_argument, "no such scheme"};
      return http::endpoint_ptr(std::make_shared<const http::endpoint>(
          http::endpoint{std::string(url), std::move(extra)}));
    };
    env.on_failure = [this](const config::scrape_config& c, const discover::target& t,
                            std::string_view error) {
      failures_.push_back(c.scrape_failure_log_file + " " + t.url + " " + std::string(error));
    };
    pool_ = std::make_unique<scrape_pool>(options_, std::move(env), clock());
  }
  pool_time clock() const { return {now_, (now_ - start_ms) * 1'000'000}; }

  static discover::target_ptr target(uint64_t id, labels public_labels = {},
                                     const std::string& scheme = "http") {
    auto t = std::make_shared<discover::target>();
    t->public_labels = public_labels.empty()
                           ? labels::from({{"job", "j"}, {"instance", std::to_string(id)}})
                           : std::move(public_labels);
    t->url = scheme + "://" + std::to_string(id) + "/metrics";
    t->interval_ms = 10'000;
    t->timeout_ms = 2'500;
    t->id = id * 0x9e3779b97f4a7c15ULL;
    return t;
  }
  void apply(std::vector<discover::target_ptr> targets,
             const config::scrape_config& c = make_config(), std::string error = "") {
    if (!config_ || !(*config_ == c))
      config_ = std::make_shared<const config::scrape_config>(c);
    discover::target_sets sets;
    sets.jobs.push_back({config_, nullptr, std::move(targets), std::move(error)});
    pool_->apply(sets, clock());
  }

  // Runs the pool for `ms`, answering fetches at once with body_(url) and acking batches unless
  // told otherwise.
  void run(int64_t ms, int64_t step = 10) {
    for (const timestamp_ms end = now_ + ms; now_ < end; now_ += step) {
      auto work = pool_->due(clock());
      for (auto& b : work.batches)
        take(std::move(b), "");
      for (auto& f : work.fetches) {
        fetches_.push_back(f);
        if (!answer_)
          continue;
        answer(f.token, body_(f.to->url), f.to->url);
      }
    }
  }
  bool answer(uint64_t token, std::string body, const std::string& url = "",
              timestamp_ms started = 0) {
    http::fetch_result r;
    r.token = token;
    r.code = code_;
    r.content_type = "text/plain";
    r.body = std::move(body);
    r.started_ms = started != 0 ? started : now_;
    r.duration_ns = 3'000'000;
    auto out = pool_->on_result(std::move(r), clock());
    if (out)
      take(std::move(*out), url);
    return out.has_value();
  }
  void take(outgoing&& o, const std::string& url) {
    done_.push_back({now_, o.batch, url});
    if (ack_)
      pool_->on_ack(o.token);
    else
      unacked_.push_back(o.token);
  }
  double counter_value(const std::string& name, label_pairs labels = {}) {
    return metrics_.get_counter(name, "", std::move(labels)).value();
  }

  pool_options options_;
  registry metrics_;
  timestamp_ms now_ = start_ms;
  std::shared_ptr<const config::scrape_config> config_;
  std::unique_ptr<scrape_pool> pool_;
  std::function<std::string(const std::string&)> body_ = [](const std::string&) { return "a 1\n"; };
  bool answer_ = true, ack_ = true;
  int code_ = 200;
  int endpoints_made_ = 0;
  std::vector<http::fetch_request> fetches_;
  std::vector<done> done_;
  std::vector<uint64_t> unacked_;
  strings failures_;
};

TEST_F(PoolTest, EveryTargetOncePerIntervalAtItsInstant) {
  std::vector<discover::target_ptr> targets;
  for (uint64_t id = 1; id <= 500; ++id)
    targets.push_back(target(id));
  apply(targets);
  EXPECT_EQ(pool_->size(), 500u);
  run(60'000);
  EXPECT_EQ(done_.size(), 500u * 6);
  for (const auto& d : done_) {
    ASSERT_FALSE(d.batch->floats.empty());
    const auto ts = d.batch->floats[0].ts;
    EXPECT_GE(d.at, ts);
    EXPECT_LT(d.at - ts, 10) << "inside a wheel slot";
  }
  EXPECT_EQ(counter_value("troupe_scrapes_late_total"), 0);
  EXPECT_EQ(counter_value("troupe_scrapes_total"), 3'000);
}

TEST_F(PoolTest, TwoNodesStampTheSameInstants) {
  const auto instants = [&](timestamp_ms begin, int64_t step) {
    now_ = begin;
    done_.clear();
    make_pool();
    apply({target(1), target(2), target(3)});
    run(start_ms + 100'000 - begin, step);
    std::map<std::string, std::vector<timestamp_ms>> out;
    for (const auto& d : done_)
      if (d.batch->floats[0].ts > start_ms + 20'000 && d.batch->floats[0].ts < start_ms + 99'000)
        out[d.url].push_back(d.batch->floats[0].ts);
    return out;
  };
  const auto one = instants(start_ms, 10);
  const auto other = instants(start_ms + 3'777, 70);
  EXPECT_EQ(one.size(), 3u);
  EXPECT_EQ(one, other);
}

TEST_F(PoolTest, ALateFetchIsStampedWithItsTrueStart) {
  apply({target(1)});
  answer_ = false;
  run(10'010);
  ASSERT_EQ(fetches_.size(), 1u);
  const auto scheduled = next_instant(target(1)->id, 10'000, start_ms);
  answer(fetches_[0].token, "a 1\n", "", scheduled + 1'000);
  EXPECT_EQ(done_.at(0).batch->floats[0].ts, scheduled);
  run(10'000);
  answer(fetches_.at(1).token, "a 1\n", "", scheduled + 11'001);
  EXPECT_EQ(done_.at(1).batch->floats[0].ts, scheduled + 11'001);
  EXPECT_EQ(counter_value("troupe_scrapes_late_total"), 1);
}

TEST_F(PoolTest, RequestsCarryHeadersTimeoutAndLimits) {
  auto c = make_config();
  c.limits.body_size = 777;
  c.enable_compression = false;
  apply({target(1)}, c);
  run(10'010);
  ASSERT_EQ(fetches_.size(), 1u);
  const auto& f = fetches_[0];
  EXPECT_EQ(f.to->url, "http://1/metrics");
  EXPECT_EQ(f.timeout_ms, 2'500);
  EXPECT_EQ(f.max_body_bytes, 777u);
  ASSERT_EQ(f.to->extra.size(), 3u);
  EXPECT_EQ(f.to->extra[0].value,
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/"
            "plain;version=0.0.4;q=0.5,"
            "*/*;q=0.4");
  EXPECT_EQ(f.to->extra[1].value, "identity");
  EXPECT_EQ(f.to->extra[2].name, "X-Prometheus-Scrape-Timeout-Seconds");
  EXPECT_EQ(f.to->extra[2].value, "2.5");
  EXPECT_GT(f.next_use_ns, clock().monotonic_ns);
  run(20'000);
  EXPECT_EQ(endpoints_made_, 1) << "made once";
}

TEST_F(PoolTest, ARunningFetchAndAnUnstoredBatchSkipTheScrape) {
  apply({target(1)});
  answer_ = false;
  run(10'010);
  run(20'000);
  EXPECT_EQ(fetches_.size(), 1u);
  EXPECT_EQ(counter_value("troupe_scrapes_skipped_total", {{"reason", "in_flight"}}), 2);
  ack_ = false;
  answer(fetches_[0].token, "a 1\n");
  run(30'000);
  EXPECT_EQ(fetches_.size(), 1u);
  EXPECT_EQ(counter_value("troupe_scrapes_skipped_total", {{"reason", "backlog"}}), 3);
  pool_->on_ack(unacked_.at(0));
  run(10'000);
  EXPECT_EQ(fetches_.size(), 2u);
}

TEST_F(PoolTest, StatesTellWhatWasNotStored) {
  ack_ = false;
  apply({target(1)});
  run(10'010);
  pool_->on_ack(unacked_.at(0), "3 samples of new series are over the series limit");
  EXPECT_EQ(to_string(pool_->states().targets.at(0).health), "up");
  EXPECT_EQ(pool_->states().targets.at(0).last_error,
            "3 samples of new series are over the series limit");
  run(10'000);
  pool_->on_ack(unacked_.at(1));
  EXPECT_EQ(pool_->states().targets.at(0).last_error, "");
}

TEST_F(PoolTest, StatesTellHealthAndReason) {
  apply({target(2), target(1)});
  auto states = pool_->states();
  ASSERT_EQ(states.targets.size(), 2u);
  EXPECT_EQ(states.targets[0].target->url, "http://1/metrics") << "sorted";
  EXPECT_EQ(to_string(states.targets[0].health), "unknown");
  EXPECT_EQ(states.targets[0].last_scrape_ms, 0);
  body_ = [](const std::string& url) { return url == "http://1/metrics" ? "a 1\n" : "broken\n"; };
  run(10'010);
  states = pool_->states();
  EXPECT_EQ(states.targets[0].health, target_health::up);
  EXPECT_EQ(states.targets[0].last_error, "");
  EXPECT_EQ(states.targets[0].last_duration_ns, 3'000'000);
  EXPECT_EQ(states.targets[0].pool, "j");
  EXPECT_EQ(states.targets[1].health, target_health::down);
  EXPECT_NE(states.targets[1].last_error.find("line 1: expected value after metric"),
            std::string::npos);
  EXPECT_EQ(counter_value("troupe_scrapes_failed_total"), 1);
}

TEST_F(PoolTest, AJobErrorFailsEveryScrapeWithoutAFetch) {
  apply({target(1)}, make_config(), "target_limit exceeded (number of targets: 1, limit: 0)");
  run(20'000);
  EXPECT_TRUE(fetches_.empty());
  ASSERT_EQ(done_.size(), 2u);
  EXPECT_EQ(report_of(*done_[0].batch, "up"), 0);
  EXPECT_EQ(pool_->states().targets[0].last_error,
            "target_limit exceeded (number of targets: 1, limit: 0)");
  apply({target(1)});
  run(10'000);
  EXPECT_EQ(fetches_.size(), 1u);
}

TEST_F(PoolTest, AnAddressWithoutEndpointFailsAlone) {
  auto c = make_config();
  c.scrape_failure_log_file = "/log";
  apply({target(1, {}, "invalid"), target(2)}, c);
  run(10'010);
  EXPECT_EQ(done_.size(), 2u);
  EXPECT_EQ(pool_->states().targets[1].last_error, "no such scheme");
  EXPECT_EQ(failures_, strings{"/log invalid://1/metrics no such scheme"});
}

TEST_F(PoolTest, OnlyFailedFetchesGoToTheFailureLog) {
  auto c = make_config();
  c.scrape_failure_log_file = "/log";
  apply({target(1)}, c);
  body_ = [](const std::string&) { return "broken\n"; };
  run(10'010);
  EXPECT_EQ(pool_->states().targets[0].health, target_health::down);
  EXPECT_EQ(failures_, strings{}) << "a body that cannot be read";
  code_ = 503;
  run(10'000);
  EXPECT_EQ(failures_,
            strings{"/log http://1/metrics server returned HTTP status 503 Service Unavailable"});
  apply({target(1)}, make_config());
  run(10'000);
  EXPECT_EQ(failures_.size(), 1u) << "no file";
  apply({target(1)}, c, "target_limit exceeded (number of targets: 1, limit: 0)");
  run(10'000);
  EXPECT_EQ(failures_.size(), 1u) << "nothing was fetched";
}

TEST_F(PoolTest, ShareSplitsTheTargets) {
  std::vector<discover::target_ptr> targets;
  for (uint64_t id = 1; id <= 1'000; ++id)
    targets.push_back(target(id));
  size_t total = 0;
  for (size_t i = 0; i < 3; ++i) {
    options_.share_index = i;
    options_.share_count = 3;
    make_pool();
    apply(targets);
    EXPECT_NEAR(static_cast<double>(pool_->size()), 333, 80);
    total += pool_->size();
  }
  EXPECT_EQ(total, 1'000u);
}

TEST_F(PoolTest, ARemovedTargetGetsItsMarkersAfterTwoIntervals) {
  apply({target(1)});
  run(10'010);
  done_.clear();
  const auto instant = next_instant(target(1)->id, 10'000, now_);
  apply({});
  EXPECT_EQ(pool_->size(), 0u);
  EXPECT_TRUE(pool_->states().targets.empty());
  run(instant + 11'000 - now_);
  EXPECT_TRUE(done_.empty());
  run(20);
  ASSERT_EQ(done_.size(), 1u);
  const auto lines = lines_of(*done_[0].batch, true);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], fmt::format("a{{instance=\"1\", job=\"j\"}} stale @{}", instant));
  run(60'000);
  EXPECT_EQ(done_.size(), 1u);
}

TEST_F(PoolTest, ATargetThatComesBackKeepsItsSeries) {
  apply({target(1)});
  run(10'010);
  apply({});
  run(5'000);
  apply({target(1)});
  done_.clear();
  run(30'000);
  EXPECT_EQ(done_.size(), 3u);
  for (const auto& d : done_)
    EXPECT_EQ(lines_of(*d.batch).at(0).find("stale"), std::string::npos);
  EXPECT_EQ(report_of(*done_[0].batch, "scrape_series_added"), 0);
}

TEST_F(PoolTest, AReplacementWithTheSameLabelsKeepsTheSeriesAlive) {
  const auto same = labels::from({{"job", "j"}, {"instance", "x"}});
  body_ = [](const std::string& url) {
    return url == "http://1/metrics" ? "a 1\nold 1\n" : "a 1\n";
  };
  apply({target(1, same)});
  run(10'010);
  apply({target(2, same)});
  done_.clear();
  run(40'000);
  strings stale;
  for (const auto& d : done_)
    for (const auto& l : lines_of(*d.batch, true))
      if (l.find("stale") != std::string::npos)
        stale.push_back(l.substr(0, l.find(' ')));
  EXPECT_EQ(stale, strings{"old{instance=\"x\","}) << "only what the new one does not expose";
}

TEST_F(PoolTest, NeverScrapedTargetsLeaveNoTrace) {
  apply({target(1)});
  apply({});
  run(60'000);
  EXPECT_TRUE(done_.empty());
}

TEST_F(PoolTest, ResultsOfTargetsThatAreGoneAreIgnored) {
  apply({target(1)});
  answer_ = false;
  run(10'010);
  apply({});
  EXPECT_FALSE(answer(fetches_.at(0).token, "a 1\n"));
  apply({target(2)});
  EXPECT_FALSE(answer(fetches_.at(0).token, "a 1\n")) << "its place may be taken by another";
  EXPECT_FALSE(answer(12'345, "a 1\n"));
  pool_->on_ack(12'345);
}

TEST_F(PoolTest, AReloadThatChangesSeriesReadsLinesAnewAndEndsTheOldOnes) {
  body_ = [](const std::string&) { return "a 1\nb 1\n"; };
  apply({target(1)});
  run(20'000);
  auto c = make_config();
  config::relabel_config drop;
  drop.action = config::relabel_action::drop;
  drop.source_labels = {"__name__"};
  drop.regex = "a";
  c.metric_relabel_configs = {drop};
  apply({target(1)}, c);
  done_.clear();
  run(10'000);
  ASSERT_EQ(done_.size(), 1u);
  const auto lines = lines_of(*done_[0].batch);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("a{instance=\"1\", job=\"j\"} stale"), std::string::npos);
  EXPECT_NE(lines[1].find("b{instance=\"1\", job=\"j\"} 1"), std::string::npos);
  // What does not touch series leaves the lines known.
  c.scrape_timeout_ms = 1'000;
  c.limits.samples = 100;
  apply({target(1)}, c);
  done_.clear();
  run(10'000);
  EXPECT_EQ(report_of(*done_.at(0).batch, "scrape_series_added"), 0);
}

TEST_F(PoolTest, AMetricRuleThatDoesNotCompileFailsTheJob) {
  auto c = make_config();
  config::relabel_config bad;
  bad.regex = "(";
  c.metric_relabel_configs = {bad};
  apply({target(1)}, c);
  run(10'010);
  EXPECT_NE(pool_->states().targets.at(0).last_error.find("relabel rule 1"), std::string::npos);
}

TEST_F(PoolTest, ClockStepsDoNotStopScraping) {
  apply({target(1)});
  run(20'000);
  const auto before = done_.size();
  now_ -= 3'600'000;
  run(20'000);
  EXPECT_GE(done_.size(), before + 1);
  now_ += 7'200'000;
  run(20'000);
  EXPECT_GE(done_.size(), before + 3);
}

TEST_F(PoolTest, SleepsUntilTheStepOfTheNextTargetIsOver) {
  apply({target(1)});
  const auto due = next_instant(target(1)->id, 10'000, now_);
  const auto step_end = (due + 99) / 100 * 100;
  EXPECT_EQ(pool_->until_due_ms(clock(), 60'000), step_end - now_);
  EXPECT_EQ(pool_->until_due_ms(clock(), 7), 7);
}

TEST_F(PoolTest, ShortIntervalsMakeShortSteps) {
  auto quick = std::make_shared<discover::target>(*target(2));
  quick->interval_ms = 1'000;
  quick->timeout_ms = 1'000;
  apply({target(1), quick});
  const auto due = std::min(next_instant(target(1)->id, 10'000, now_),
                            next_instant(quick->id, quick->interval_ms, now_));
  EXPECT_EQ(pool_->step_ms(), 50);
  const auto step_end = (due + 49) / 50 * 50;
  EXPECT_EQ(pool_->until_due_ms(clock(), 60'000), step_end - now_);
}

TEST_F(PoolTest, MetadataIsSentOncePerPool) {
  body_ = [](const std::string&) { return "# HELP a h\n# TYPE a counter\na 1\n"; };
  apply({target(1), target(2), target(3)});
  run(20'000);
  size_t sent = 0;
  for (const auto& d : done_)
    sent += d.batch->metadata.size();
  EXPECT_EQ(sent, 1u);
}

}  // namespace
}  // namespace troupe::scrape
