#include "storage/head/series_growth.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

labels series_of(const std::string& metric, const std::string& job, const std::string& instance,
                 const std::string& user) {
  return labels::from({{"__name__", metric},
                       {"instance", instance},
                       {"job", job},
                       {"status", "200"},
                       {"user_id", user}})
      .packed();
}

class series_growth_test : public testing::Test {
 protected:
  // So many new series of an exploding metric, and a few of 40 others.
  void explode(int users) {
    for (int i = 0; i < users; ++i) {
      create(series_of("logins_total", "web", i % 4 == 0 ? "b:1" : "a:1",
                       "u" + std::to_string(next_++)));
      if (i % 10 == 0)
        create(series_of("m" + std::to_string(i / 10 % 40), "other", "c:1", "nobody"));
    }
  }
  void create(const labels& series) {
    held_.push_back(series);
    growth_.created(static_cast<uint32_t>(held_.size() % 2), series);
  }
  growth_window window(size_t i) { return growth_.report(3).at(i); }

  manual_clock clock_;
  series_growth growth_{2, clock_};
  std::vector<labels> held_;
  int next_ = 0;
};

TEST_F(series_growth_test, names_metric_job_target_pair_and_label) {
  explode(20'000);
  const auto w = window(0);
  EXPECT_EQ(w.span_ms, 10'000);
  EXPECT_EQ(w.created, 22'000u);
  ASSERT_EQ(w.metrics.top.size(), 3u);
  EXPECT_EQ(w.metrics.top[0].of, labels::from({{"__name__", "logins_total"}}));
  EXPECT_EQ(w.metrics.top[0].created, 20'000u);
  EXPECT_EQ(w.jobs.top[0].of.get("job"), "web");
  EXPECT_EQ(w.targets.top[0].of.to_string(), "{instance=\"a:1\", job=\"web\"}");
  EXPECT_EQ(w.targets.top[0].created, 15'000u);
  EXPECT_EQ(w.pairs.top[0].of.to_string(), "{status=\"200\"}");
  EXPECT_LE(w.pairs.top[0].created, 22'000u);
  EXPECT_GE(w.pairs.top[0].created + w.pairs.missed, 22'000u);
  const auto& label = w.labels_of_metrics.at(0);
  EXPECT_EQ(label.metric, "logins_total");
  EXPECT_EQ(label.label, "user_id");
  EXPECT_NEAR(static_cast<double>(label.values), 20'000, 4'000);
  EXPECT_EQ(label.example.substr(0, 1), "u");
  EXPECT_EQ(w.label_names.at(0).label, "user_id");
  EXPECT_EQ(w.label_names.at(0).metric, "");
}

TEST_F(series_growth_test, what_is_over_is_forgotten_window_by_window) {
  explode(1'000);
  clock_.advance_ms(5'000);
  EXPECT_EQ(window(0).created, 1'100u);
  explode(10);
  clock_.advance_ms(8'000);
  EXPECT_EQ(window(0).created, 11u);
  EXPECT_EQ(window(1).created, 1'111u);
  clock_.advance_ms(60'000);
  EXPECT_EQ(window(0).created, 0u);
  EXPECT_TRUE(window(0).metrics.top.empty());
  EXPECT_EQ(window(1).created, 0u);
  EXPECT_EQ(window(2).created, 1'111u);
  EXPECT_EQ(window(2).metrics.top.at(0).created, 1'010u);
  clock_.advance_ms(70 * 60'000);
  EXPECT_EQ(window(2).created, 0u);
}

TEST_F(series_growth_test, windows_add_up_over_hours_of_steady_growth) {
  for (int second = 0; second < 7'200; ++second) {
    create(series_of("m", "j", "i", std::to_string(second)));
    clock_.advance_ms(1'000);
    if (second < 3'600 + 600 || second % 97 != 0)
      continue;
    const auto all = growth_.report(1);
    EXPECT_NEAR(static_cast<double>(all[0].created), 11, 1.1);
    EXPECT_NEAR(static_cast<double>(all[1].created), 65, 5.1);
    EXPECT_NEAR(static_cast<double>(all[2].created), 3'900, 301);
    EXPECT_EQ(all[2].metrics.top.at(0).created, all[2].created);
  }
}

TEST_F(series_growth_test, labels_that_cannot_be_packed_only_count) {
  create(labels::from({{"__name__", "m"}, {"text", std::string(10'000, 'x')}}).packed());
  const auto w = window(0);
  EXPECT_EQ(w.created, 1u);
  EXPECT_TRUE(w.metrics.top.empty());
}

}  // namespace
}  // namespace troupe::storage
