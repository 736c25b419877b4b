// Random work on a block store beside a model of plain samples, with restarts and power cuts.
#include "tests/storage/compact/store_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;
using test::hour;
using test::store_fixture;

// Samples offered so far per series and which are deleted; content by the merge rule.
class store_model {
 public:
  void write(const std::vector<test::series_data>& data, timestamp_ms from, timestamp_ms end) {
    for (const auto& s : data) {
      auto& series = series_[s.series.to_string()];
      series.lset = s.series;
      test::data_series_set one({s});
      one.next();
      sample_columns c;
      one.read(from, end - 1, c).ignore();
      series.parts.push_back(c);
    }
  }
  void remove(const matchers& ms, timestamp_ms mint, timestamp_ms maxt) {
    for (auto& [name, s] : series_)
      if (matches_all(ms, s.lset))
        for (auto& c : s.parts)
          remove_intervals({{mint, maxt}}, c);
  }
  flat content() const {
    flat out;
    for (const auto& [name, s] : series_) {
      sample_columns c;
      merge_columns(s.parts, c);
      if (!c.ts.empty() || !c.histograms.empty())
        test::flatten(name, c, out);
    }
    return out;
  }

 private:
  struct entry {
    labels lset;
    std::vector<sample_columns> parts;
  };
  std::map<std::string, entry> series_;
};

void run(uint64_t seed) {
  store_fixture f(seed);
  store_model model;
  timestamp_ms now = 0;
  for (int step = 0; step < 60; ++step) {
    switch (f.random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3: {  // cut from a head; sometimes late, over older ranges
        const bool late = f.random.below(4) == 0 && now > 0;
        const timestamp_ms from =
            late ? static_cast<timestamp_ms>(f.random.below(static_cast<uint64_t>(now))) : now;
        const timestamp_ms end = late ? from + hour : now + 2 * hour;
        const auto data = test::random_series(
            f.random,
            {.series = 1 + f.random.below(6), .samples = 20, .from = from, .step = 60'000});
        ASSERT_TRUE(f.write(data, from, end).ok());
        model.write(data, from, end);
        now = std::max(now, end);
        break;
      }
      case 4:
      case 5:
      case 6:
        ASSERT_TRUE(f.store->compact_once(test::plan).ok());
        break;
      case 7: {
        const matchers ms{matcher::equal("i", std::to_string(f.random.below(6)))};
        const auto mint = static_cast<timestamp_ms>(f.random.below(static_cast<uint64_t>(now) + 1));
        ASSERT_TRUE(f.store->delete_series("t", mint, mint + hour, std::vector<matchers>{ms}).ok());
        model.remove(ms, mint, mint + hour);
        break;
      }
      case 8:
        ASSERT_TRUE(f.store->clean_tombstones().ok());
        break;
      default:
        if (f.random.below(2))
          f.fs.crash();
        f.reopen();
    }
    ASSERT_EQ(f.content(), model.content()) << "seed " << seed << " step " << step;
  }
  for (const auto& info : f.store->infos())
    ASSERT_FALSE(info.quarantined) << info.reason;
}

TEST(store_model, random_work_never_changes_what_is_stored) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    run(seed);
    if (HasFatalFailure())
      return;
  }
}

}  // namespace
}  // namespace troupe::storage
