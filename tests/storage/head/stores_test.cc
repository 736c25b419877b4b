// series_map, exemplar_store, metadata_store.
#include "storage/base/random.h"
#include "storage/head/exemplar_store.h"
#include "storage/head/metadata_store.h"
#include "storage/head/series_map.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe::storage {
namespace {

labels numbered(uint64_t n) {
  return labels::from({{"n", std::to_string(n)}});
}

TEST(series_map, agrees_with_a_map) {
  seeded_random random(3);
  series_map map;
  std::map<uint64_t, uint32_t> model;  // label to reference
  for (int i = 0; i < 30'000; ++i) {
    const uint64_t n = random.below(2000);
    const auto known = model.find(n);
    head_series* found = map.find(numbered(n));
    ASSERT_EQ(found != nullptr, known != model.end());
    if (found == nullptr) {
      const uint32_t ref = map.next_ref();
      ASSERT_EQ(map.create(numbered(n)).ref(), ref);
      model[n] = ref;
    } else if (random.below(2) == 0) {
      ASSERT_EQ(found->ref(), known->second);
      ASSERT_EQ(map.at(known->second), found);
      map.remove(*found);
      ASSERT_EQ(map.at(known->second), nullptr);
      ASSERT_EQ(found->lset(), numbered(n));  // for those who still read it
      map.reclaim(known->second);
      model.erase(known);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  for (const auto& [n, ref] : model)
    ASSERT_EQ(map.at(ref)->lset(), numbered(n));
  EXPECT_EQ(map.at(map.next_ref()), nullptr);
}

exemplar make_exemplar(timestamp_ms ts, double value) {
  return {labels::from({{"trace", std::to_string(ts)}}), value, ts};
}

TEST(exemplar_store, keeps_the_latest_written_in_time_order) {
  exemplar_store store(3);
  const auto a = numbered(1), b = numbered(2);
  store.add("", a, make_exemplar(30, 1));
  store.add("", b, make_exemplar(10, 1));
  store.add("", a, make_exemplar(20, 1));
  store.add("", a, make_exemplar(20, 1));
  EXPECT_EQ(store.size(), 3u);
  const std::vector<matchers> all{{}};
  auto got = store.select("", 0, 100, all);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].series, a);
  ASSERT_EQ(got[0].exemplars.size(), 2u);
  EXPECT_EQ(got[0].exemplars[0].ts, 20);
  store.add("", b, make_exemplar(40, 1));
  got = store.select("", 0, 100, all);
  EXPECT_EQ(got[0].exemplars.size(), 1u);
  EXPECT_EQ(got[1].exemplars.size(), 2u);
  EXPECT_EQ(store.select("", 11, 19, all).size(), 0u);
  EXPECT_EQ(store.select("other", 0, 100, all).size(), 0u);
  EXPECT_TRUE(store.contains("", a, 20));
  EXPECT_FALSE(store.contains("", a, 30));
}

TEST(exemplar_store, selects_and_erases) {
  exemplar_store store(100);
  for (int i = 0; i < 10; ++i)
    store.add("t", numbered(static_cast<uint64_t>(i % 2)), make_exemplar(i, i));
  const std::vector<matchers> one{{matcher::equal("n", "1")}};
  const auto got = store.select("t", 2, 8, one);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].exemplars.size(), 3u);
  store.erase("t", numbered(1), 0, 5);
  EXPECT_EQ(store.size(), 7u);
  exemplar_store none(0);
  none.add("", numbered(1), make_exemplar(1, 1));
  EXPECT_EQ(none.size(), 0u);
}

TEST(metadata_store, keeps_variants_latest_first_and_bounded) {
  metadata_store store;
  const auto entry = [](const std::string& family, const std::string& help) {
    return metadata_entry{family, {metric_type::counter, "", help}};
  };
  store.add("", entry("b", "one"));
  store.add("", entry("a", "x"));
  store.add("", entry("b", "two"));
  store.add("", entry("b", "one"));
  const auto all = store.select("", "", 0);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].first, "a");
  EXPECT_EQ(all[1].second.help, "one");
  EXPECT_EQ(all[2].second.help, "two");
  EXPECT_EQ(store.select("", "", 1).size(), 1u);
  EXPECT_EQ(store.select("", "b", 0).size(), 2u);
  EXPECT_EQ(store.select("x", "", 0).size(), 0u);
  for (int i = 0; i < 20; ++i)
    store.add("", entry("b", std::to_string(i)));
  EXPECT_EQ(store.select("", "b", 0).size(), metadata_store::max_variants);
  EXPECT_TRUE(store.contains("", entry("b", "19")));
  EXPECT_FALSE(store.contains("", entry("b", "one")));
}

}  // namespace
}  // namespace troupe::storage
