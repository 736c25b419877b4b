// The expressions of Prometheus' scripts over series of three regions: with parts of them evaluated
// at the regions as without.
#include "query/promqltest/runner.h"
#include "tests/query/engine/places.h"
#include "tests/query/promqltest/script_files.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

engine_options without_delayed_names() {
  engine_options o = engine_options::everything();
  o.enable_delayed_name_removal = false;
  return o;
}

// The scripts' verdicts are of no interest: their series have no regions.
class parted_backend : public script_backend {
 public:
  size_t compared = 0, failed = 0, answered = 0;

  explicit parted_backend(bool histograms) { world_.take_histograms = histograms; }

  status clear() override {
    world_.clear();
    return {};
  }
  status load(std::span<const loaded_series> series) override {
    for (const auto& s : series) {
      const size_t place = s.series.hash() % places::count;
      for (const auto& p : s.samples) {
        if (p.histogram)
          world_.append(place, s.series, p.ts, p.histogram, p.start_ts);
        else
          world_.append(place, s.series, p.ts, p.value, p.start_ts);
      }
    }
    return {};
  }
  result<query_result> instant(std::string_view expr, timestamp_ms ts) override {
    return compare(expr, [&](const query_overrides& o) {
      return engine_.instant(world_.all, "", expr, ts, o);
    });
  }
  result<query_result> range(std::string_view expr, timestamp_ms start, timestamp_ms end,
                             int64_t step_ms) override {
    return compare(expr, [&](const query_overrides& o) {
      return engine_.range(world_.all, "", expr, start, end, step_ms, o);
    });
  }

 private:
  template <class Run>
  result<query_result> compare(std::string_view expr, const Run& run) {
    auto want = run({});
    query_overrides o;
    o.parts = &world_;
    const size_t before = world_.answered;
    EXPECT_EQ(exact(run(o)), exact(want)) << expr;
    ++compared;
    failed += want.ok() ? 0 : 1;
    answered += world_.answered > before ? 1 : 0;
    return want;
  }

  manual_clock clock_;
  engine engine_{without_delayed_names(), clock_};
  places world_{engine_};
};

TEST(PartsSuite, EveryExpressionGivesTheSameBits) {
  const auto files = script_files();
  if (files.empty())
    GTEST_SKIP() << "no scripts in ../shared/promqltest beside the source tree";
  for (const bool histograms : {false, true}) {
    size_t compared = 0;
    size_t answered = 0;
    for (const auto& file : files) {
      SCOPED_TRACE(file.filename());
      const auto s = read_script(file);
      ASSERT_TRUE(s.ok()) << s.error().message();
      parted_backend backend(histograms);
      (void)run_script(*s, backend);
      compared += backend.compared;
      answered += backend.answered;
      EXPECT_LT(backend.failed, backend.compared) << file;
    }
    std::printf("%zu evaluations, %zu with answers of regions\n", compared, answered);
    EXPECT_GT(compared, 2000U);
    EXPECT_GT(answered, compared / 3);
  }
}

}  // namespace
}  // namespace troupe::query
