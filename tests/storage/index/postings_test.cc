// Posting sets in all their forms against std::set.
#include "storage/index/postings.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace troupe::storage {
namespace {

posting_list random_list(random_source& random) {
  std::set<series_ref> s;
  const uint64_t range = 1 + random.below(random.below(3) == 0 ? 400'000 : 3000);
  switch (random.below(4)) {
    case 0:  // a few
      for (uint64_t n = random.below(6); n > 0; --n)
        s.insert(static_cast<series_ref>(random.below(range)));
      break;
    case 1:  // one run
      for (uint64_t first = random.below(range), n = random.below(5000); n > 0; --n)
        s.insert(static_cast<series_ref>(first++));
      break;
    case 2:  // runs
      for (uint64_t runs = random.below(40); runs > 0; --runs)
        for (uint64_t first = random.below(range), n = random.below(100); n > 0; --n)
          s.insert(static_cast<series_ref>(first++));
      break;
    default:  // scattered, from sparse to dense
      for (uint64_t n = random.below(3000); n > 0; --n)
        s.insert(static_cast<series_ref>(random.below(range)));
  }
  return {s.begin(), s.end()};
}

// The same list as it is at rest in an index, or as a decoder makes it.
posting_set make(const posting_list& list, random_source& random) {
  if (random.below(2))
    return posting_set::of(list);
  posting_set out;
  auto order = list;
  if (random.below(2))
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random.below(i)]);
  for (const series_ref ref : order)
    out.add(ref);
  return out;
}

TEST(postings, algebra_agrees_with_std_in_all_forms) {
  seeded_random random(1);
  for (int round = 0; round < 600; ++round) {
    const auto a = random_list(random), b = random_list(random);
    const auto sa = make(a, random), sb = make(b, random);
    posting_list both, either, only;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(either));
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
    ASSERT_EQ(sa.to_list(), a);
    ASSERT_EQ(sa.size(), a.size());
    ASSERT_EQ(intersect(sa, sb).to_list(), both);
    ASSERT_EQ(intersect(sb, sa).to_list(), both);
    ASSERT_EQ(subtract(sa, sb).to_list(), only);
    ASSERT_EQ(intersects(sa, sb), !both.empty());
    const postings_ptr pa(postings_ptr(), &sa), pb(postings_ptr(), &sb);
    ASSERT_EQ(unite(std::vector{pa, pb, pa}).to_list(), either);
    for (int i = 0; i < 20; ++i) {
      const auto ref = static_cast<series_ref>(random.below(4000));
      ASSERT_EQ(sa.contains(ref), std::binary_search(a.begin(), a.end(), ref));
    }
  }
  EXPECT_TRUE(unite({}).empty());
}

TEST(postings, adds_and_removals_agree_with_a_set) {
  seeded_random random(2);
  for (int round = 0; round < 40; ++round) {
    posting_set set;
    std::set<series_ref> model;
    series_ref next = 0;
    for (int step = 0; step < 60; ++step) {
      if (random.below(4) == 0) {
        posting_list gone;
        for (const series_ref ref : model)
          if (random.below(random.below(2) ? 2 : 50) == 0)
            gone.push_back(ref);
        for (const series_ref ref : gone)
          model.erase(ref);
        gone.push_back(4'000'000'000u);  // not in
        set.remove(gone);
      } else {
        const bool ascending = random.below(3) != 0;
        const uint64_t gap = random.below(2) ? 1 : 1 + random.below(600);
        for (uint64_t n = random.below(120); n > 0; --n) {
          const auto ref = ascending ? next += static_cast<series_ref>(gap)
                                     : static_cast<series_ref>(random.below(next + 10));
          set.add(ref);
          model.insert(ref);
        }
      }
      ASSERT_EQ(set.to_list(), posting_list(model.begin(), model.end()));
      ASSERT_EQ(set.size(), model.size());
    }
  }
}

TEST(postings, extreme_references) {
  const posting_list list{
      0, 1, 2, 3, UINT32_MAX - 4, UINT32_MAX - 3, UINT32_MAX - 2, UINT32_MAX - 1};
  EXPECT_EQ(posting_set::of(list).to_list(), list);
  const auto last = posting_set::range(UINT32_MAX - 9, UINT32_MAX - 1);
  EXPECT_EQ(last.size(), 9u);
  EXPECT_TRUE(last.contains(UINT32_MAX - 1));
  EXPECT_FALSE(last.contains(UINT32_MAX));
  EXPECT_FALSE(last.contains(0));
  EXPECT_EQ(intersect(posting_set::of(list), last).size(), 4u);
  EXPECT_EQ(posting_set::range(5, 5).to_list(), posting_list{5});
}

TEST(postings, take_few_bytes) {
  posting_set run, few, strided, dense;
  for (series_ref i = 0; i < 100'000; ++i) {
    run.add(i);
    if (i % 523 == 7)
      strided.add(i);
    if (i % 3 != 0)
      dense.add(i);
  }
  for (const series_ref ref : {1u, 500u, 70'000u})
    few.add(ref);
  EXPECT_EQ(run.memory_bytes(), 0u);
  EXPECT_EQ(few.memory_bytes(), 0u);
  EXPECT_LE(strided.memory_bytes(), strided.size() * 4);
  EXPECT_LE(dense.memory_bytes(), 100'000 / 8 + 10'000u);
}

}  // namespace
}  // namespace troupe::storage
