#include "storage/head/head.h"

#include "storage/base/fault_twin.h"
#include "storage/head/head_querier.h"
#include "tests/storage/head/reference_series.h"

#include <gtest/gtest.h>

#include <thread>

namespace troupe::storage {
namespace {

labels series_of(uint32_t n) {
  return labels::from({{"__name__", "m"}, {"n", std::to_string(n)}, {"odd", n % 2 ? "yes" : "no"}});
}

class head_test : public testing::Test {
 protected:
  apply_counts put(const head_input& input, std::string_view tenant = "") {
    head_tenant& t = head_.tenant(tenant);
    std::vector<head_series*> refs(100);
    return head_.apply(t, input, refs,
                       [&](uint32_t n) { return head_.find_or_create(t, series_of(n)); });
  }
  apply_counts put_floats(std::vector<float_entry> floats, std::string_view tenant = "") {
    return put({.floats = floats}, tenant);
  }
  std::vector<std::string> names(std::span<const matcher> ms, timestamp_ms mint = min_time,
                                 timestamp_ms maxt = max_time) {
    std::vector<std::string> out;
    const auto set = select_head(head_, *head_.find_tenant(""), mint, maxt, ms);
    while (set->next())
      out.emplace_back(set->series().get("n"));
    return out;
  }

  std::atomic<uint64_t> node_series_{0};
  head head_{{1000, 10, 4096, &node_series_}};
};

TEST_F(head_test, selects_in_label_order_by_time_and_tenant) {
  put_floats({{10, 1, 3}, {10, 1, 1}, {5000, 1, 2}});
  put_floats({{10, 1, 7}}, "other");
  using list = std::vector<std::string>;
  EXPECT_EQ(names({}), (list{"1", "2", "3"}));
  EXPECT_EQ(names({}, 0, 100), (list{"1", "3"}));
  const matchers odd{matcher::equal("odd", "yes")};
  EXPECT_EQ(names(odd), (list{"1", "3"}));
  EXPECT_EQ(head_.find_tenant("nobody"), nullptr);
  EXPECT_EQ(head_.series_count(), 4u);
  EXPECT_EQ(node_series_.load(), 4u);
  EXPECT_EQ(head_.min_ts(), 10);
  EXPECT_EQ(head_.max_ts(), 5000);
}

TEST_F(head_test, counts_and_start_timestamps) {
  const std::vector<float_entry> floats{{10, 1, 0}, {20, 2, 0}, {20, 2, 0}, {20, 3, 0}, {15, 1, 0}};
  const std::vector<start_entry> starts{{1, 5}};
  const auto c = put({.floats = floats, .starts = starts});
  EXPECT_EQ(c.stored, 3u);
  EXPECT_EQ(c.duplicates, 1u);
  EXPECT_EQ(c.conflicts, 1u);
  EXPECT_EQ(c.out_of_order, 1u);
}

TEST_F(head_test, leaves_out_what_was_refused) {
  const std::vector<float_entry> floats{{10, 1, 0}, {10, 2, 1}, {10, 3, 2}};
  const std::vector<uint32_t> refused{0, 2};
  const auto c = put({.floats = floats, .refused_floats = refused});
  EXPECT_EQ(c.stored, 1u);
  EXPECT_EQ(names({}), (std::vector<std::string>{"1"}));
}

TEST_F(head_test, empty_series_are_collected_and_may_come_back) {
  put_floats({{10, 1, 0}, {10, 1, 1}, {1010, 1, 2}});
  const uint64_t generation = head_.generation();
  head_.erase("", series_of(0), 0, 100);
  EXPECT_EQ(names({}), (std::vector<std::string>{"1", "2"}));
  while (!head_.collect_garbage(1)) {
  }
  EXPECT_NE(head_.generation(), generation);
  EXPECT_EQ(head_.series_count(), 2u);
  EXPECT_EQ(head_.find_tenant("")->index.label_values("n", {}, 0),
            (std::vector<std::string>{"1", "2"}));
  head_.erase("", series_of(1), 0, 100);
  while (!head_.collect_garbage(100)) {
  }
  EXPECT_EQ(head_.min_ts(), 1010);
  put_floats({{20, 5, 0}});
  EXPECT_EQ(names({}), (std::vector<std::string>{"0", "2"}));
  EXPECT_EQ(head_.min_ts(), 20);
}

TEST_F(head_test, cut_sets_aside_and_keeps_readable) {
  put_floats({{10, 1, 0}, {1500, 2, 0}, {10, 3, 1}, {2500, 4, 0}});
  tenant_ranges ranges;
  const head_tenant& t = *head_.find_tenant("");
  head_.begin_cut(2000);
  while (!head_.seal(1, ranges)) {
  }
  EXPECT_EQ(ranges, (tenant_ranges{{"", {0, 1000}}}));
  EXPECT_EQ(names({}, 0, 100), (std::vector<std::string>{"0", "1"}));
  const auto sealed = select_set_aside(head_, t, 0, 999);
  size_t series = 0;
  while (sealed->next()) {
    sample_columns c;
    ASSERT_TRUE(sealed->read(min_time, 999, c).ok());
    EXPECT_EQ(c.ts, std::vector<timestamp_ms>{10});
    ++series;
  }
  EXPECT_EQ(series, 2u);
  head_.release_cut();
  EXPECT_EQ(names({}), (std::vector<std::string>{"0"}));
  EXPECT_EQ(head_ranges(head_, t), (std::set<timestamp_ms>{2000}));
}

TEST_F(head_test, counts_late_samples) {
  head_.set_late_bound(1000);
  put_floats({{10, 1, 0}, {1500, 2, 0}, {10, 1, 0}});
  EXPECT_EQ(head_.late_samples(), 1u);
}

TEST_F(head_test, readers_beside_the_writer) {
  std::atomic<bool> stop{false};
  head_.tenant("");
  std::thread reader([&] {
    while (!stop) {
      const auto found = names({});
      ASSERT_TRUE(std::is_sorted(found.begin(), found.end()));
    }
  });
  for (int round = 0; round < 200; ++round) {
    std::vector<float_entry> floats;
    for (uint32_t n = 0; n < 100; ++n)
      floats.push_back({round * 10, 1, n});
    put_floats(floats);
    head_.erase("", series_of(static_cast<uint32_t>(round % 100)), min_time, max_time);
    head_.collect_garbage(50);
  }
  stop = true;
  reader.join();
}

#ifdef TROUPE_FAULT_TWINS
TEST_F(head_test, planted_bugs_show) {
  const auto first_value = [&](uint32_t n) {
    const matchers ms{matcher::equal("n", std::to_string(n))};
    const auto set = select_head(head_, *head_.find_tenant(""), min_time, max_time, ms);
    sample_columns c;
    EXPECT_TRUE(set->next() && set->read(min_time, max_time, c).ok());
    return c.values.at(0);
  };
  active_fault_twin = fault_twin::swap_values;
  put_floats({{10, 1, 0}, {10, 2, 1}});
  EXPECT_EQ(first_value(0), 2);
  active_fault_twin = fault_twin::ignore_staleness;
  put_floats({{10, stale_nan(), 5}});
  active_fault_twin = fault_twin::none;
  EXPECT_FALSE(is_stale(first_value(5)));
}
#endif

}  // namespace
}  // namespace troupe::storage
