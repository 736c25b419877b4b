// What stops a query: samples, memory, steps, time and a flag; and what such failures are called.
#include "tests/query/engine/engine_fixture.h"

namespace troupe::query {
namespace {

class Limits : public engine_fixture {
 protected:
  void load_series(int count, std::string_view values) {
    for (int i = 0; i < count; ++i)
      load(10 * second, "m{i=\"" + std::to_string(1000 + i) + "\"} " + std::string(values));
  }
};

constexpr std::string_view too_many_samples =
    "error: query processing would load too many samples into memory in query execution";

TEST_F(Limits, SamplesOfAVector) {
  load_series(20, "1");
  options.max_samples = 20;
  EXPECT_TRUE(instant("m", 0).ok());
  options.max_samples = 19;
  EXPECT_EQ(at("m", 0), too_many_samples);
  const auto r = instant("m", 0);
  EXPECT_EQ(r.code(), errc::resource_exhausted);
  EXPECT_EQ(classify(r.error()), query_error::execution);
}

TEST_F(Limits, SamplesUnderARange) {
  load_series(1, "1x200");
  options.max_samples = 100;
  EXPECT_EQ(at("sum_over_time(m[1h])", 2000 * second), too_many_samples);
  EXPECT_EQ(at("sum_over_time(m[5m])", 2000 * second), "{i=\"1000\"} 30");
}

TEST_F(Limits, SamplesAreGivenBackOnceUsed) {
  load_series(30, "1x10");
  options.max_samples = 100;
  // Each aggregation holds 30 samples while it runs, and one afterwards.
  EXPECT_EQ(at("sum(m) + sum(m) + sum(m) + sum(m) + sum(m)", 100 * second), "{} 150");
}

TEST_F(Limits, Memory) {
  load_series(50, "1x100");
  options.max_memory_bytes = 8192;
  const auto r = range("m", 0, 1000 * second, 10 * second);
  EXPECT_EQ(r.code(), errc::resource_exhausted);
  EXPECT_NE(r.error().message().find("limit of 8192 bytes"), std::string_view::npos);
}

TEST_F(Limits, MemoryOfTheProcess) {
  load_series(50, "1x100");
  memory_budget budget(
      100 << 20, [] { return uint64_t{94} << 20; }, clock);
  memory = &budget;
  const auto refused = range("m", 0, 1000 * second, 1);
  EXPECT_EQ(refused.code(), errc::unavailable);
  EXPECT_EQ(classify(refused.error()), query_error::unavailable);
  EXPECT_NE(refused.error().message().find("--storage.memory-limit (104857600 bytes)"),
            std::string_view::npos);
  EXPECT_EQ(budget.refused(), 1u);
  EXPECT_TRUE(range("m", 0, 1000 * second, 10 * second).ok()) << "a megabyte is left";
  EXPECT_EQ(budget.used(), uint64_t{94} << 20) << "all is given back";
}

TEST_F(Limits, StepsAreRefusedBeforeTheyAreAllocated) {
  load_series(1, "1x10");
  const auto by_range = range("m", 0, 1'000'000'000'000, 1);
  EXPECT_EQ(by_range.code(), errc::resource_exhausted);
  EXPECT_NE(by_range.error().message().find("too many steps"), std::string_view::npos);
  const auto by_subquery = instant("sum_over_time(m[100y:1ms])", 100 * second);
  EXPECT_EQ(by_subquery.code(), errc::resource_exhausted);
  EXPECT_NE(by_subquery.error().message().find("too many steps"), std::string_view::npos);
}

// Time passes with every series read.
class slow_store : public storage::queryable {
 public:
  slow_store(storage::queryable& inner, manual_clock& clock, int64_t ms_per_series)
      : inner_(inner), clock_(clock), ms_(ms_per_series) {}
  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override {
    TROUPE_ASSIGN(auto q, inner_.open(tenant, mint, maxt));
    return std::unique_ptr<storage::querier>(std::make_unique<view>(std::move(q), *this));
  }
  result<std::vector<storage::exemplar_series>> exemplars(std::string_view, timestamp_ms,
                                                          timestamp_ms,
                                                          std::span<const matchers>) override {
    return std::vector<storage::exemplar_series>();
  }
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view, std::string_view,
                                                            size_t) override {
    return {};
  }
  std::function<void()> on_series = [] {};
  status fail_at_end;

 private:
  struct cursor : storage::series_set {
    cursor(std::unique_ptr<storage::series_set> s, slow_store& o) : inner(std::move(s)), owner(o) {}
    bool next() override { return inner->next(); }
    const labels& series() const override { return inner->series(); }
    status read(timestamp_ms mint, timestamp_ms maxt, storage::sample_columns& out) override {
      owner.clock_.advance_ms(owner.ms_);
      owner.on_series();
      return inner->read(mint, maxt, out);
    }
    status error() const override { return owner.fail_at_end; }
    std::unique_ptr<storage::series_set> inner;
    slow_store& owner;
  };
  struct view : storage::querier {
    view(std::unique_ptr<storage::querier> q, slow_store& o) : inner(std::move(q)), owner(o) {}
    result<std::unique_ptr<storage::series_set>> select(const storage::select_hints& hints,
                                                        std::span<const matcher> ms) override {
      TROUPE_ASSIGN(auto s, inner->select(hints, ms));
      return std::unique_ptr<storage::series_set>(std::make_unique<cursor>(std::move(s), owner));
    }
    result<std::vector<std::string>> label_names(std::span<const matcher> ms,
                                                 size_t limit) override {
      return inner->label_names(ms, limit);
    }
    result<std::vector<std::string>> label_values(std::string_view name,
                                                  std::span<const matcher> ms,
                                                  size_t limit) override {
      return inner->label_values(name, ms, limit);
    }
    std::unique_ptr<storage::querier> inner;
    slow_store& owner;
  };
  storage::queryable& inner_;
  manual_clock& clock_;
  int64_t ms_;
};

TEST_F(Limits, Deadline) {
  load_series(100, "1");
  options.timeout_ms = 1000;
  slow_store slow(store, clock, 9);
  EXPECT_TRUE(engine(options, clock).instant(slow, "", "sum(m)", 0).ok());
  slow_store slower(store, clock, 11);
  const auto r = engine(options, clock).instant(slower, "", "sum(m)", 0);
  EXPECT_EQ(r.code(), errc::timeout);
  EXPECT_EQ(r.error().message(), "query timed out in expression evaluation");
  EXPECT_EQ(classify(r.error()), query_error::timeout);
}

TEST_F(Limits, ACallMayOnlyShortenTheDeadline) {
  load_series(100, "1");
  options.timeout_ms = 1000;
  slow_store slow(store, clock, 9);
  const engine e(options, clock);
  EXPECT_EQ(e.instant(slow, "", "m", 0, {.timeout_ms = 100}).code(), errc::timeout);
  slow_store slower(store, clock, 11);
  EXPECT_EQ(e.instant(slower, "", "m", 0, {.timeout_ms = 100'000}).code(), errc::timeout);
}

TEST_F(Limits, Cancel) {
  load_series(100, "1");
  std::atomic<bool> cancel = false;
  slow_store slow(store, clock, 0);
  int read = 0;
  slow.on_series = [&] {
    if (++read == 10)
      cancel = true;
  };
  const auto r = engine(options, clock).instant(slow, "", "sum(m)", 0, {.cancel = &cancel});
  EXPECT_EQ(r.code(), errc::canceled);
  EXPECT_EQ(r.error().message(), "query was canceled in expression evaluation");
  EXPECT_EQ(classify(r.error()), query_error::canceled);
  EXPECT_EQ(read, 10) << "nothing more was read";
}

TEST_F(Limits, FailuresOfTheStorageAreInternal) {
  load_series(3, "1");
  slow_store broken(store, clock, 0);
  broken.fail_at_end = {errc::io_error, "disk on fire"};
  const auto r = engine(options, clock).instant(broken, "", "sum(m)", 0);
  EXPECT_EQ(r.code(), errc::io_error);
  EXPECT_EQ(classify(r.error()), query_error::internal);
  EXPECT_EQ(classify(status(errc::unavailable, "replay")), query_error::unavailable);
}

TEST_F(Limits, ACallMaySetTheStepOfSubqueries) {
  load(10 * second, "m 1x100");
  options.default_subquery_step_ms = 60 * second;
  EXPECT_EQ(instant("sum_over_time(m[2m:])", 240 * second)->stats.total_queryable_samples, 2U);
  EXPECT_EQ(
      instant("sum_over_time(m[2m:])", 240 * second, {.default_subquery_step_ms = 20 * second})
          ->stats.total_queryable_samples,
      6U);
}

TEST_F(Limits, StatisticsCountAsPrometheusDoes) {
  load(10 * second, "m 1x100");
  auto r = instant("m", 200 * second);
  EXPECT_EQ(r->stats.total_queryable_samples, 1U);
  r = instant("sum_over_time(m[1m])", 200 * second);
  EXPECT_EQ(r->stats.total_queryable_samples, 6U);
  r = range("m", 100 * second, 200 * second, 10 * second, {.per_step_stats = true});
  EXPECT_TRUE(r->stats.samples_per_step.empty()) << "the feature is off";
  options.enable_per_step_stats = true;
  r = range("sum_over_time(m[1m])", 100 * second, 200 * second, 10 * second,
            {.per_step_stats = true});
  EXPECT_EQ(r->stats.total_queryable_samples, 66U);
  EXPECT_EQ(r->stats.samples_read, 16U);
  ASSERT_EQ(r->stats.samples_per_step.size(), 11U);
  EXPECT_EQ(r->stats.samples_per_step[3], (std::pair<timestamp_ms, uint64_t>(130 * second, 6)));
  r = range("m @ 100", 100 * second, 200 * second, 10 * second, {.per_step_stats = true});
  EXPECT_EQ(r->stats.total_queryable_samples, 11U);
  EXPECT_EQ(r->stats.samples_per_step[10].second, 1U);
  r = instant("sum_over_time(m[1m:10s])", 200 * second);
  EXPECT_EQ(r->stats.total_queryable_samples, 6U) << "of a subquery only what the windows hold";
}

}  // namespace
}  // namespace troupe::query
