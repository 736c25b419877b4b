// Expressions that share what they read give the same bits as each on its own.
#include "query/engine/shared_calls.h"

#include "query/engine/engine.h"
#include "storage/base/random.h"
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace troupe::query {
namespace {

constexpr int64_t second = 1000;
constexpr int64_t minute = 60 * second;

// Which of two NaN an addition gives is the compiler's choice.
std::string bits(double v) {
  return std::isnan(v) ? "NaN" : std::to_string(std::bit_cast<uint64_t>(v));
}

// Labels and bits of a vector; or the error.
std::string show(const result<query_result>& r) {
  if (!r.ok())
    return "error: " + r.error().to_string();
  const auto* v = std::get_if<vector_value>(&r->value);
  if (v == nullptr)
    return "no vector";
  std::string out;
  for (const auto& e : *v)
    out += e.metric.to_string() + " " +
           (e.histogram ? "histogram " + std::to_string(e.histogram->count) : bits(e.value)) +
           " @" + std::to_string(e.ts) + "\n";
  return out;
}

// Passes on and counts what is read of families.
class counting_reader final : public storage::queryable {
 public:
  explicit counting_reader(storage::queryable& all) : all_(all) {}
  uint64_t reads = 0;

  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override {
    return all_.open(tenant, mint, maxt);
  }
  std::unique_ptr<storage::series_family> family(const storage::family_request& wanted) override {
    auto found = all_.family(wanted);
    return found ? std::make_unique<counted>(std::move(found), reads) : nullptr;
  }
  result<std::vector<storage::exemplar_series>> exemplars(
      std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
      std::span<const matchers> selectors) override {
    return all_.exemplars(tenant, mint, maxt, selectors);
  }
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override {
    return all_.metadata_of(tenant, family, limit);
  }

 private:
  class counted final : public storage::series_family {
   public:
    counted(std::unique_ptr<storage::series_family> all, uint64_t& reads)
        : all_(std::move(all)), reads_(reads) {}
    const storage::series_roster_ptr& roster() const override { return all_->roster(); }
    std::vector<uint32_t> find(std::span<const matcher> ms) const override {
      return all_->find(ms);
    }
    status read(uint32_t position, timestamp_ms mint, timestamp_ms maxt,
                storage::sample_columns& out) override {
      ++reads_;
      return all_->read(position, mint, maxt, out);
    }

   private:
    const std::unique_ptr<storage::series_family> all_;
    uint64_t& reads_;
  };

  storage::queryable& all_;
};

labels series(const std::string& metric, int host, const std::string& mode) {
  return labels::from({{"__name__", metric}, {"host", "h" + std::to_string(host)}, {"mode", mode}});
}

// A group of expressions over a store, evaluated instant after instant in both ways.
class expression_group {
 public:
  expression_group(storage::queryable& data, const clock& clk, engine_options options = {},
                   memory_budget* memory = nullptr, uint64_t max_bytes = 1 << 20)
      : data_(data), engine_(options, clk, memory), shared_(max_bytes) {}

  void add(const std::string& text) {
    auto parsed = parse(text, engine_.options().parse);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.error().message();
    texts_.push_back(text);
    trees_.push_back(std::move(*parsed));
  }
  /// All expressions at `at`; the first difference, or "".
  std::string evaluate(timestamp_ms at) {
    std::string out;
    shared_.begin(at);
    for (size_t i = 0; i < trees_.size(); ++i) {
      query_overrides overrides;
      overrides.shared = &shared_;
      const auto got = show(engine_.instant(data_, "", *trees_[i], texts_[i], at, overrides));
      const auto want = show(engine_.instant(data_, "", *trees_[i], texts_[i], at));
      if (got != want && out.empty())
        out = texts_[i] + " at " + std::to_string(at) + "\ngives\n" + got + "instead of\n" + want;
    }
    shared_.end();
    return out;
  }
  const shared_calls& shared() const { return shared_; }

 private:
  storage::queryable& data_;
  const engine engine_;
  shared_calls shared_;
  std::vector<std::string> texts_;
  std::vector<expr_ptr> trees_;
};

class SharedCalls : public ::testing::Test {
 protected:
  storage::test_node node{1, 1 << 30};
  timestamp_ms now = 0;

  void SetUp() override {
    node.opts.min_block_ms = 2 * 60 * minute;
    node.opts.max_block_ms = 20 * 60 * minute;
    node.opts.max_future_ms = -1;
    node.start();
    now = node.clk.now_ms() / (2 * 60 * minute) * (2 * 60 * minute);
    for (int i = 0; i < 8; ++i)
      scrape();
  }
  void scrape() {
    now += 15 * second;
    storage::test_samples samples;
    for (int host = 0; host < 10; ++host)
      for (const char* mode : {"idle", "user", "system"})
        samples.push_back(storage::make_sample(series("cpu_total", host, mode), now - second,
                                               static_cast<double>(now % 1'000'000) * (host + 1)));
    node.write(samples);
  }
  storage::queryable& data() { return node.store->reader(); }
};

TEST_F(SharedCalls, ReadEachSeriesOnce) {
  counting_reader reader(data());
  expression_group group(reader, node.clk);
  group.add(R"(sum by (mode) (rate(cpu_total{host=~"h[0-4]"}[1m])))");
  group.add(R"(avg without (host) (rate(cpu_total{host=~"h[2-7]"}[1m])))");
  group.add(R"(max(rate(cpu_total{host="h3"}[1m])) > 0)");
  EXPECT_EQ(group.evaluate(now), "");
  EXPECT_EQ(reader.reads, 6u * 3);  // by the second: at first it is not known what is worth while
  for (int i = 0; i < 3; ++i) {
    scrape();
    reader.reads = 0;
    EXPECT_EQ(group.evaluate(now), "");
    EXPECT_EQ(reader.reads, 8u * 3);
  }
  EXPECT_EQ(group.shared().answered(), 2u + 3 * 3);
  EXPECT_GT(group.shared().bytes(), 0u);
}

TEST_F(SharedCalls, SeeNewAndDeletedSeriesAtOnce) {
  expression_group group(data(), node.clk);
  group.add(R"(count by (mode) (cpu_total{host=~"h[0-4]|new"}))");
  group.add(R"(sum by (host) (cpu_total{mode!="user"}))");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(group.evaluate(now), "");
  node.write({storage::make_sample(series("cpu_total", 11, "idle"), now - second, 5),
              storage::make_sample(labels::from({{"__name__", "cpu_total"}, {"host", "new"}}),
                                   now - second, 7)});
  EXPECT_EQ(group.evaluate(now), "");
  const std::vector<matchers> gone{{*matcher::make(match_op::regex, "host", "h[13]")}};
  ASSERT_TRUE(node.store->delete_series("", 0, now, gone).ok());
  EXPECT_EQ(group.evaluate(now), "");
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(group.evaluate(now), "");
  EXPECT_EQ(group.shared().answered(), 1u + 2 * 5);
}

TEST_F(SharedCalls, SeeLateSamplesAtTheNextInstant) {
  expression_group group(data(), node.clk);
  group.add("rate(cpu_total[2m])");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(group.evaluate(now), "");
    node.write({storage::make_sample(series("cpu_total", 2, "idle"), now - 20 * second - i, i)});
  }
  EXPECT_EQ(group.evaluate(now), "");
  EXPECT_EQ(group.shared().answered(), 3u);
}

TEST_F(SharedCalls, LeaveToOthersWhatDoesNotFit) {
  expression_group group(data(), node.clk);
  for (const char* text : {R"({host="h1"})", "cpu_total @ end()", "absent_over_time(cpu_total[1m])",
                           "max_over_time(rate(cpu_total[1m])[1m:15s])", "vector(1)",
                           "timestamp(cpu_total)", R"({__name__=~"cpu.*"})", "time()"})
    group.add(text);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(group.evaluate(now), "");
  EXPECT_EQ(group.shared().answered(), 0u);
}

TEST_F(SharedCalls, LeaveHistogramsToOthers) {
  auto h = std::make_shared<histogram>();
  h->count = 5;
  h->sum = 3;
  h->zero_count = 5;
  node.write({{series("cpu_total", 1, "histogram"), now - 5, {0, no_start_timestamp, h}}});
  expression_group group(data(), node.clk);
  group.add("sum by (mode) (cpu_total)");
  group.add(R"(sum by (host) (cpu_total{mode="idle"}))");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(group.evaluate(now), "");
  // Until the histograms are met; then it is left alone.
  EXPECT_EQ(group.shared().answered(), 2u);
}

TEST_F(SharedCalls, LeaveBlocksToOthers) {
  expression_group group(data(), node.clk);
  group.add("sum(increase(cpu_total[2m]))");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(group.evaluate(now), "");
  const uint64_t before = group.shared().answered();
  EXPECT_EQ(before, 2u);
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  scrape();
  EXPECT_EQ(group.evaluate(now), "");
  EXPECT_EQ(group.shared().answered(), before);
}

TEST_F(SharedCalls, HoldNoMoreThanTheyMay) {
  expression_group group(data(), node.clk, {}, &node.memory, 100);
  group.add("sum(rate(cpu_total[1m]))");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(group.evaluate(now), "");
  EXPECT_EQ(group.shared().answered(), 0u);
  EXPECT_LE(group.shared().bytes(), 100u);
}

TEST_F(SharedCalls, GiveUpWhatTheyHoldWhenMemoryIsShort) {
  const uint64_t before = node.memory.used();
  {
    expression_group group(data(), node.clk, {}, &node.memory);
    group.add("sum(rate(cpu_total[1m]))");
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(group.evaluate(now), "");
    EXPECT_GT(node.memory.used(), before);
    EXPECT_EQ(group.shared().answered(), 2u);
    node.hold_memory((1 << 30) / 100 * 85);
    EXPECT_EQ(group.evaluate(now), "");
    EXPECT_EQ(group.shared().bytes(), 0u);
    node.hold_memory(0);
    for (int i = 0; i < 34; ++i)
      EXPECT_EQ(group.evaluate(now), "");
    EXPECT_GT(group.shared().answered(), 2u);
  }
  EXPECT_EQ(node.memory.used(), before);
}

// Random expressions over a random history.
class random_twins {
 public:
  explicit random_twins(uint64_t seed) : random_(seed), node_(seed, 1 << 30) {
    node_.opts.shards = 1 + static_cast<uint32_t>(random_.below(3));
    node_.opts.min_block_ms = 20 * minute;
    node_.opts.max_block_ms = 200 * minute;
    node_.opts.max_future_ms = -1;
    node_.start();
    now_ = node_.clk.now_ms();
    engine_options options = engine_options::everything();
    options.enable_delayed_name_removal = random_.below(2) == 0;
    options.use_start_timestamps = random_.below(2) == 0;
    if (random_.below(4) == 0)
      options.max_samples = 20 + random_.below(200);
    if (random_.below(4) == 0)
      options.max_memory_bytes = 2'000 + random_.below(40'000);
    group_ = std::make_unique<expression_group>(node_.store->reader(), node_.clk, options,
                                                &node_.memory, 1 << 20);
    for (int i = 0; i < 25; ++i)
      group_->add(expression());
  }
  void run() {
    for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i)
      step();
  }
  uint64_t answered() const { return group_->shared().answered(); }

 private:
  template <size_t N>
  std::string pick(const char* const (&from)[N]) {
    return from[random_.below(N)];
  }

  std::string selector() {
    if (random_.below(12) == 0)
      return R"({__name__="c",__name__!~"a.*",mode!="user"})";
    const std::string metric = pick({"a_total", "b_bucket", "c", "d", "e"});
    const std::string match = pick({"", R"({host=~"h1|h2|h3"})", R"({host!~"h1.*"})",
                                    R"({mode="idle"})", R"({mode=~"idle|user",host=~"h[0-5]"})",
                                    R"({mode=""})", R"({host="h4"})", R"({le=~".+"})"});
    return metric + match;
  }
  std::string shift() {
    return random_.below(5) == 0 ? " offset " + pick({"30s", "-15s", "2m"}) : "";
  }
  std::string vector() {
    if (random_.below(4) == 0)
      return selector() + shift();
    const std::string range = selector() + "[" + pick({"40s", "1m", "5m"}) + "]" + shift();
    if (random_.below(8) == 0)
      return "quantile_over_time(0.7, " + range + ")";
    if (random_.below(8) == 0)
      return "predict_linear(" + range + ", 60)";
    return pick({"rate", "increase", "delta", "irate", "idelta", "sum_over_time", "avg_over_time",
                 "min_over_time", "count_over_time", "last_over_time", "present_over_time",
                 "changes", "resets", "deriv", "stddev_over_time", "absent_over_time"}) +
           "(" + range + ")";
  }
  std::string aggregation() {
    const std::string by =
        pick({"", " by (mode)", " by (host)", " without (host)", " by (le, mode)", " without ()",
              " by (__name__)", " by (nothing)"});
    if (random_.below(6) == 0)
      return pick({"topk", "quantile"}) + by + " (0.5, " + vector() + ")";
    return pick({"sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"}) + by + " (" +
           vector() + ")";
  }
  std::string expression() {
    switch (random_.below(8)) {
      case 0:
        return vector();
      case 1:
        return vector() + " > 0";
      case 2:
        return aggregation() + " / on(mode) " + aggregation();
      case 3:
        return "histogram_quantile(0.9, sum by (le) (rate(b_bucket[1m])))";
      case 4:
        return "max_over_time(" + aggregation() + "[2m:30s])";
      default:
        return aggregation();
    }
  }

  labels random_series() {
    static constexpr const char* metrics[] = {"a_total", "a_total", "b_bucket", "c", "c", "d", "e"};
    const std::string metric = metrics[random_.below(std::size(metrics))];
    std::vector<std::pair<std::string, std::string>> pairs{{"__name__", metric}};
    pairs.emplace_back("host", "h" + std::to_string(random_.below(9)));
    if (random_.below(5) > 0)
      pairs.emplace_back("mode", pick({"idle", "user", "system"}));
    if (metric == "b_bucket")
      pairs.emplace_back("le", pick({"1", "2", "+Inf"}));
    // What calls drop beside the name tells series of `e` apart.
    if (metric == "e" && random_.below(2) == 0)
      pairs.emplace_back("__type__", pick({"counter", "gauge"}));
    return labels::from(std::move(pairs));
  }
  storage::reference_sample random_value(const labels& series, timestamp_ms ts) {
    storage::reference_sample out{static_cast<double>(ts % 10'000'000) / 7, no_start_timestamp,
                                  nullptr};
    if (random_.below(20) == 0)
      out.value = static_cast<double>(random_.below(100));
    if (random_.below(60) == 0)
      out.value = std::numeric_limits<double>::infinity();
    if (random_.below(60) == 0)
      out.value = std::numeric_limits<double>::quiet_NaN();
    if (random_.below(40) == 0)
      out.value = stale_nan();
    if (random_.below(10) == 0)
      out.start_ts = ts - static_cast<int64_t>(random_.below(60'000));
    if (series.metric_name() == "d" && random_.below(4) == 0) {
      auto h = std::make_shared<histogram>();
      h->count = h->zero_count = static_cast<double>(random_.below(50));
      h->sum = 3;
      out.hist = std::move(h);
    }
    return out;
  }

  void append() {
    storage::test_samples samples;
    if (known_.size() < 40 || random_.below(4) == 0)
      for (int i = 0; i < 5; ++i)
        known_.push_back(random_series());
    for (const labels& series : known_) {
      if (random_.below(10) == 0)
        continue;
      const timestamp_ms ts = now_ - static_cast<int64_t>(random_.below(5'000));
      samples.push_back({series, ts, random_value(series, ts)});
      if (random_.below(30) == 0) {
        const timestamp_ms late = now_ - static_cast<int64_t>(random_.below(300'000));
        samples.push_back({series, late, random_value(series, late)});
      }
    }
    node_.write(samples);
  }
  void erase() {
    const std::vector<matchers> gone{
        {*matcher::make(match_op::regex, "host", "h" + std::to_string(random_.below(9)))}};
    std::erase_if(known_,
                  [&](const labels& l) { return random_.below(2) == 0 && gone[0][0].matches(l); });
    const timestamp_ms until = random_.below(2) == 0 ? now_ : now_ - minute;
    ASSERT_TRUE(node_.store->delete_series("", 0, until, gone).ok());
  }
  void step() {
    now_ += 15'000;
    node_.clk.advance_ms(15'000);
    append();
    if (random_.below(12) == 0)
      erase();
    if (random_.below(4) == 0) {
      ASSERT_TRUE(node_.maintain(static_cast<int>(random_.below(20))).ok());
    }
    if (random_.below(60) == 0)
      node_.store->flush();
    EXPECT_EQ(group_->evaluate(now_), "");
    // A second stage of the same instant.
    if (random_.below(5) == 0) {
      append();
      EXPECT_EQ(group_->evaluate(now_), "");
    }
  }

  seeded_random random_;
  storage::test_node node_;
  timestamp_ms now_ = 0;
  std::unique_ptr<expression_group> group_;
  std::vector<labels> known_;
};

TEST(SharedCallsTwins, GiveTheSameBits) {
  uint64_t answered = 0;
  for (uint64_t seed = 1; seed <= 20 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_twins twins(seed);
    twins.run();
    answered += twins.answered();
  }
  // Most of what can be shared is.
  EXPECT_GT(answered, 5'000u);
}

}  // namespace
}  // namespace troupe::query
