// Prometheus' own PromQL scripts, all of them, against the engine over memory. The folder lies
// beside the source tree.
#include "query/engine/engine.h"
#include "query/promqltest/runner.h"
#include "tests/query/promqltest/script_files.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

class engine_backend : public script_backend {
 public:
  status clear() override {
    store_.clear();
    return {};
  }
  status load(std::span<const loaded_series> series) override {
    for (const auto& s : series)
      for (const auto& p : s.samples) {
        if (p.histogram)
          store_.append(s.series, p.ts, p.histogram, p.start_ts);
        else
          store_.append(s.series, p.ts, p.value, p.start_ts);
      }
    return {};
  }
  result<query_result> instant(std::string_view expr, timestamp_ms ts) override {
    return engine_.instant(store_, "", expr, ts);
  }
  result<query_result> range(std::string_view expr, timestamp_ms start, timestamp_ms end,
                             int64_t step_ms) override {
    return engine_.range(store_, "", expr, start, end, step_ms);
  }

 private:
  memory_queryable store_;
  manual_clock clock_;
  engine engine_{engine_options::everything(), clock_};
};

TEST(PromqlSuite, EveryScriptPasses) {
  const auto files = script_files();
  if (files.empty())
    GTEST_SKIP() << "no scripts in ../shared/promqltest beside the source tree";
  std::vector<script_report> reports;
  std::string text;
  for (const auto& file : files) {
    const auto s = read_script(file);
    ASSERT_TRUE(s.ok()) << s.error().message();
    engine_backend backend;
    reports.push_back(run_script(*s, backend));
    append_report(text, reports.back(), true);
    EXPECT_EQ(reports.back().count(eval_verdict::failed), 0U) << file.filename();
  }
  std::puts((text + summary(reports)).c_str());
  size_t passed = 0;
  for (const auto& r : reports)
    passed += r.count(eval_verdict::passed);
  EXPECT_GT(passed, 600U) << "scripts were read but hardly anything was run";
}

}  // namespace
}  // namespace troupe::query
