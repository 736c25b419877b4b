// Runs of samples that the storage gives as summaries: the same answers, bit by bit, as from all of
// their samples.
#include "storage/base/random.h"
#include "tests/query/engine/engine_fixture.h"

#include <algorithm>
#include <cmath>

namespace troupe::query {
namespace {

using storage::sample_columns;
using storage::sample_summary;

// Summarizes what it may of random runs of another store's samples; counts how many it left out.
class summarizing_store final : public storage::queryable {
 public:
  summarizing_store(memory_queryable& all, random_source& random) : all_(all), random_(random) {}
  uint64_t left_out = 0;

  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override {
    TROUPE_ASSIGN(auto inner, all_.open(tenant, mint, maxt));
    return std::unique_ptr<storage::querier>(std::make_unique<view>(*this, std::move(inner)));
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

 private:
  class cursor final : public storage::series_set {
   public:
    cursor(summarizing_store& store, std::unique_ptr<storage::series_set> inner)
        : store_(store), inner_(std::move(inner)) {}
    bool next() override { return inner_->next(); }
    const labels& series() const override { return inner_->series(); }
    status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
      return inner_->read(mint, maxt, out);
    }
    status read_summarized(timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                           std::vector<sample_summary>& runs) override {
      sample_columns all;
      TROUPE_TRY(read(mint, maxt, all));
      out.histograms = all.histograms;
      for (size_t i = 0; i < all.ts.size();) {
        const size_t n = std::min<size_t>(1 + store_.random_.below(20), all.ts.size() - i);
        if (store_.random_.below(3) != 0 && may_be_summed_up(all, i, n)) {
          runs.push_back(sum_up(all, i, n));
          store_.left_out += n - 4;
        } else {
          out.ts.insert(out.ts.end(), &all.ts[i], &all.ts[i] + n);
          out.values.insert(out.values.end(), &all.values[i], &all.values[i] + n);
        }
        i += n;
      }
      return {};
    }

   private:
    static bool may_be_summed_up(const sample_columns& c, size_t i, size_t n) {
      const auto first = c.values.begin() + static_cast<std::ptrdiff_t>(i);
      return n >= 4 &&
             std::none_of(first, first + static_cast<std::ptrdiff_t>(n),
                          [](double v) { return std::isnan(v) || (v == 0 && std::signbit(v)); }) &&
             std::none_of(c.histograms.begin(), c.histograms.end(), [&](const auto& row) {
               return c.ts[i] <= row.ts && row.ts <= c.ts[i + n - 1];
             });
    }
    static sample_summary sum_up(const sample_columns& c, size_t i, size_t n) {
      const auto first = c.values.begin() + static_cast<std::ptrdiff_t>(i);
      const auto [least, greatest] =
          std::minmax_element(first, first + static_cast<std::ptrdiff_t>(n));
      return {c.ts[i], c.ts[i + n - 1], n, c.values[i], c.values[i + n - 1], *least, *greatest};
    }

    summarizing_store& store_;
    std::unique_ptr<storage::series_set> inner_;
  };
  class view final : public storage::querier {
   public:
    view(summarizing_store& store, std::unique_ptr<storage::querier> inner)
        : store_(store), inner_(std::move(inner)) {}
    result<std::unique_ptr<storage::series_set>> select(const storage::select_hints& hints,
                                                        std::span<const matcher> ms) override {
      TROUPE_ASSIGN(auto set, inner_->select(hints, ms));
      return std::unique_ptr<storage::series_set>(std::make_unique<cursor>(store_, std::move(set)));
    }
    result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t n) override {
      return inner_->label_names(ms, n);
    }
    result<std::vector<std::string>> label_values(std::string_view name,
                                                  std::span<const matcher> ms, size_t n) override {
      return inner_->label_values(name, ms, n);
    }

   private:
    summarizing_store& store_;
    std::unique_ptr<storage::querier> inner_;
  };

  memory_queryable& all_;
  random_source& random_;
};

class Summaries : public engine_fixture {
 protected:
  Summaries() : random(5), summarized(store, random) {
    auto h = std::make_shared<histogram>();
    h->count = 3;
    for (int i = 0; i < 6; ++i) {
      const auto series = labels::from({{"__name__", "m"}, {"i", std::to_string(i)}});
      for (timestamp_ms ts = 0; ts < 1000 * second; ts += second) {
        if (i == 5 && random.below(50) == 0)
          store.append(series, ts, h);
        else
          store.append(series, ts, value(i));
      }
    }
  }

  double value(int kind) {
    if (kind == 1 && random.below(40) == 0)
      return stale_nan();
    if (kind == 2 && random.below(40) == 0)
      return std::numeric_limits<double>::quiet_NaN();
    if (kind == 3 && random.below(5) == 0)
      return random.below(2) == 0 ? 0.0 : -0.0;
    return static_cast<double>(random.below(100)) / 10 - 5;
  }

  seeded_random random;
  summarizing_store summarized;
};

TEST_F(Summaries, GiveTheAnswersOfAllSamples) {
  uint64_t reduced = 0;
  for (const std::string function :
       {"count_over_time", "min_over_time", "max_over_time", "first_over_time", "last_over_time",
        "present_over_time", "absent_over_time", "sum_over_time", "avg_over_time", "rate",
        "changes", "resets", "stddev_over_time", "quantile_over_time"}) {
    for (int round = 0; round < 20; ++round) {
      const auto at = static_cast<timestamp_ms>(random.below(1100)) * second;
      const std::string selector = "m[" + std::to_string(1 + random.below(900)) + "s]" +
                                   (round % 4 == 0 ? " offset 7s" : "");
      const std::string text = function == "quantile_over_time"
                                   ? "quantile_over_time(0.5, " + selector + ")"
                                   : function + "(" + selector + ")";
      const auto want = instant(text, at);
      const auto got = engine(options, clock).instant(summarized, "", text, at);
      ASSERT_EQ(show(got), show(want)) << text << " at " << at;
      ASSERT_TRUE(got.ok());
      EXPECT_EQ(got->stats.total_queryable_samples, want->stats.total_queryable_samples) << text;
    }
    const auto want = range(function == "quantile_over_time" ? "quantile_over_time(0.5, m[90s])"
                                                             : function + "(m[90s])",
                            100 * second, 900 * second, 50 * second);
    const auto got = engine(options, clock)
                         .range(summarized, "",
                                function == "quantile_over_time" ? "quantile_over_time(0.5, m[90s])"
                                                                 : function + "(m[90s])",
                                100 * second, 900 * second, 50 * second);
    ASSERT_EQ(show(got), show(want)) << function;
    const bool used = summarized.left_out > reduced;
    EXPECT_EQ(used, function.ends_with("_over_time") && function != "sum_over_time" &&
                        function != "avg_over_time" && function != "stddev_over_time" &&
                        function != "quantile_over_time")
        << function;
    reduced = summarized.left_out;
  }
}

TEST_F(Summaries, OfASignedZeroKeepTheSign) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(show(engine(options, clock)
                       .instant(summarized, "", "1 / max_over_time(m[3s])", 1000 * second)),
              at("1 / max_over_time(m[3s])", 1000 * second));
}

}  // namespace
}  // namespace troupe::query
