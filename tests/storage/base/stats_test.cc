#include "storage/base/stats.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe {
namespace {

TEST(stats, renders_sorted_text_with_aliases) {
  registry r;
  r.get_gauge("troupe_z", "last").set(0.25);
  r.get_counter("troupe_a_total", "first\nline", {{"b", "2"}, {"a", "x\"\\\n"}}).add(3);
  r.get_counter("troupe_a_total", "first\nline", {{"a", "a"}}).add();
  r.add_counter_callback("troupe_n_total", "asked too", [] { return 7.0; });
  r.add_gauge_callback("troupe_m", "asked", [] { return std::numeric_limits<double>::infinity(); });
  r.add_alias("troupe_z", "prometheus_b");
  EXPECT_EQ(r.render(),
            "# HELP prometheus_b last\n# TYPE prometheus_b gauge\nprometheus_b 0.25\n"
            "# HELP troupe_a_total first\\nline\n# TYPE troupe_a_total counter\n"
            "troupe_a_total{a=\"a\"} 1\ntroupe_a_total{a=\"x\\\"\\\\\\n\",b=\"2\"} 3\n"
            "# HELP troupe_m asked\n# TYPE troupe_m gauge\ntroupe_m +Inf\n"
            "# HELP troupe_n_total asked too\n# TYPE troupe_n_total counter\ntroupe_n_total 7\n"
            "# HELP troupe_z last\n# TYPE troupe_z gauge\ntroupe_z 0.25\n");
}

TEST(stats, families_whose_series_come_and_go) {
  registry r;
  std::vector<registry::series_value> now = {{{{"b", "2"}, {"a", "1"}}, 3}, {{{"a", "0"}}, 4}};
  r.add_gauge_family("top", "few", [&] { return now; });
  EXPECT_EQ(r.render(),
            "# HELP top few\n# TYPE top gauge\ntop{a=\"0\"} 4\ntop{a=\"1\",b=\"2\"} 3\n");
  now.clear();
  EXPECT_EQ(r.render(), "# HELP top few\n# TYPE top gauge\n");
  r.add_counter_family("gone_total", "none", {});
  EXPECT_NE(r.render().find("# TYPE gone_total counter\n"), std::string::npos);
}

TEST(stats, same_name_and_labels_is_the_same_object) {
  registry r;
  counter& a = r.get_counter("x_total", "", {{"a", "1"}, {"b", "2"}});
  counter& b = r.get_counter("x_total", "", {{"b", "2"}, {"a", "1"}});
  EXPECT_EQ(&a, &b);
  EXPECT_DEATH(r.get_gauge("x_total", ""), "check failed");
}

TEST(stats, histograms_are_cumulative) {
  registry r;
  auto& h = r.get_histogram("h", "", {0.1, 1});
  for (const double v : {0.05, 0.1, 0.5, 7.0})
    h.observe(v);
  EXPECT_EQ(r.render(),
            "# HELP h \n# TYPE h histogram\nh_bucket{le=\"0.1\"} 2\nh_bucket{le=\"1\"} "
            "3\nh_bucket{le=\"+Inf\"} 4\n"
            "h_sum 7.65\nh_count 4\n");
}

}  // namespace
}  // namespace troupe
