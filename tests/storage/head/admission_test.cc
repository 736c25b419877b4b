#include "storage/head/admission.h"

#include "storage/model/slot.h"
#include "tests/storage/head/reference_series.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using positions = std::vector<uint32_t>;

series_table_ptr table_of(std::vector<labels> series) {
  return make_series_table("", std::move(series));
}

labels named(const std::string& name) {
  return labels::from({{"__name__", name}});
}

class admission : public testing::Test {
 protected:
  refusals run(write_batch batch, time_bounds bounds = {}, uint64_t left = UINT64_MAX) {
    report_ = {};
    const head_tenant tenant;
    table_cache cache;
    const auto refs = cache.get(tenant, 0, table_);
    for (const uint32_t known : known_)
      refs->refs[known] = &some_series_;
    return admit(batch, *refs, bounds, {left, budgets_.active() ? &budgets_ : nullptr}, report_);
  }

  series_table_ptr table_ = table_of({named("a"), named("b"), named("c")});
  head_series some_series_;
  positions known_;
  budget_ledger budgets_;
  append_report report_;
};

TEST_F(admission, refuses_by_time) {
  write_batch b;
  b.floats = {{99, 1, 0}, {100, 1, 0}, {200, 1, 1}, {201, 1, 2}};
  b.histograms = {{50, 0, test_histogram(1), 0}, {150, 0, test_histogram(1), 1}};
  const auto r = run(b, {100, 200});
  EXPECT_EQ(r.floats, (positions{0, 3}));
  EXPECT_EQ(r.histograms, (positions{0}));
  EXPECT_EQ(report_.too_old, 2u);
  EXPECT_EQ(report_.too_far_in_future, 1u);
  EXPECT_EQ(report_.accepted, 3u);
  EXPECT_EQ(report_.accepted_histograms, 1u);
  EXPECT_EQ(report_.first_refused, 0u);
  EXPECT_EQ(report_.refused(), 3u);
}

TEST_F(admission, first_of_repeated_samples_wins) {
  table_ = table_of({named("a"), named("b"), named("a")});
  write_batch b;
  b.floats = {{10, 1, 0}, {10, 2, 1}, {10, 3, 2}, {20, 4, 2}, {20, 4, 0}};
  const auto r = run(b);
  EXPECT_EQ(r.floats, (positions{2, 4}));
  EXPECT_EQ(r.repeated_different, 1u);
  EXPECT_EQ(r.repeated_equal, 1u);
  EXPECT_EQ(report_.accepted, 5u);
  EXPECT_EQ(report_.refused(), 0u);
}

TEST_F(admission, a_refused_sample_does_not_hide_a_good_one) {
  write_batch b;
  b.floats = {{500, 1, 1}, {10, 2, 0}, {500, 3, 1}, {10, 5, 0}, {20, 4, 0}};
  EXPECT_EQ(run(b, {0, 100}).floats, (positions{0, 2, 3}));
}

TEST_F(admission, several_samples_of_a_series_in_order_are_no_repeats) {
  write_batch b;
  b.floats = {{10, 1, 0}, {20, 1, 0}, {10, 1, 2}, {20, 1, 2}, {30, 1, 1}};
  EXPECT_TRUE(run(b).floats.empty());
}

TEST_F(admission, series_limit_refuses_the_surplus_only) {
  known_ = {1};
  write_batch b;
  b.floats = {{10, 1, 0}, {10, 1, 1}, {10, 1, 2}, {20, 1, 0}, {20, 1, 2}};
  const auto r = run(b, {}, 1);
  EXPECT_EQ(r.floats, (positions{2, 4}));
  EXPECT_EQ(report_.new_series_refused, 2u);
  EXPECT_EQ(r.new_series, 1u);
}

TEST_F(admission, a_budget_refuses_the_surplus_only_and_says_which) {
  head empty({});
  budgets_.adopt(replace_budgets({}, {{"names", {}, {}, 1}}));
  ASSERT_TRUE(budgets_.count_some(empty, 10));
  known_ = {1};
  write_batch b;
  b.floats = {{10, 1, 0}, {10, 1, 1}, {10, 1, 2}, {20, 1, 0}, {20, 1, 2}};
  EXPECT_EQ(run(b).floats, (positions{2, 4}));
  EXPECT_EQ(report_.over_budget, 2u);
  EXPECT_EQ(report_.refused(), 2u);
  EXPECT_EQ(*report_.budget, "\"names\" (1 series) of {}");
  EXPECT_EQ(run(b).floats, (positions{2, 4})) << "one that is on its way has its room";
  budgets_.give_back_reserved();
  known_ = {0, 1};
  EXPECT_TRUE(run(b).floats.empty());
}

TEST_F(admission, exemplars_follow_their_sample) {
  write_batch b;
  b.floats = {{50, 1, 0}, {500, 1, 1}};
  b.exemplars = {
      {{{}, 1, 0}, 0}, {{{}, 1, 0}, 1}, {{{}, 1, 60}, 0}, {{{}, 1, 600}, 0}, {{{}, 1, 0}, 2}};
  EXPECT_EQ(run(b, {0, 100}).exemplars, (positions{1, 3, 4}));
  EXPECT_EQ(report_.refused_exemplars, 3u);
  EXPECT_EQ(report_.accepted_exemplars, b.exemplars.size() - 3);
}

TEST_F(admission, exemplars_without_a_time_take_the_samples) {
  auto b = std::make_shared<write_batch>();
  b->floats = {{50, 1, 0}, {60, 1, 0}, {70, 1, 1}};
  b->exemplars = {{{{}, 1, 0}, 0}, {{{}, 1, 5}, 1}};
  const auto resolved = with_exemplar_times(b, refusals());
  EXPECT_EQ(resolved->exemplars[0].value.ts, 60);
  EXPECT_EQ(resolved->exemplars[1].value.ts, 5);
  b->exemplars.erase(b->exemplars.begin());
  EXPECT_EQ(with_exemplar_times(b, refusals()), b);
}

TEST(table_cache, same_table_is_one_entry_and_a_new_one_replaces_it) {
  table_cache cache(2);
  const head_tenant t, u;
  const auto first = table_of({named("a")}), second = table_of({named("a"), named("b")});
  const auto a = cache.get(t, 1, first);
  EXPECT_EQ(cache.get(t, 1, first), a);
  EXPECT_NE(cache.get(u, 1, first), a);
  EXPECT_EQ(cache.size(), 2u);
  const auto b = cache.get(t, 1, second);
  EXPECT_EQ(b->table, second);
  EXPECT_EQ(b->refs.size(), 2u);
  EXPECT_EQ(cache.size(), 2u);
  cache.get(t, 2, first);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.get(t, 1, second), b);
  cache.drop_idle();
  cache.get(t, 1, second);
  cache.drop_idle();
  EXPECT_EQ(cache.size(), 1u);
}

TEST(table_cache, finds_equal_label_sets) {
  table_cache cache;
  const head_tenant t;
  const auto refs =
      cache.get(t, 1, table_of({named("a"), named("b"), named("a"), named("b"), named("a")}));
  EXPECT_EQ(refs->canonical, (positions{0, 1, 0, 1, 0}));
  EXPECT_TRUE(cache.get(t, 2, table_of({named("a"), named("b")}))->canonical.empty());
}

}  // namespace
}  // namespace troupe::storage
