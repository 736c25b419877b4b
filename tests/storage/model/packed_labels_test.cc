// Packed label sets are the flat ones in every respect but memory.
#include "storage/base/hash.h"
#include "storage/base/random.h"
#include "storage/model/labels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace troupe {
namespace {

labels random_labels(seeded_random& random) {
  labels_builder b;
  for (uint64_t k = random.below(7); k > 0; --k) {
    std::string name(1 + random.below(2), static_cast<char>('a' + random.below(4)));
    std::string value(1 + random.below(3), static_cast<char>('a' + random.below(3)));
    if (random.below(40) == 0)
      value += std::string(random.below(9000), 'v');
    b.set(name, value);
  }
  return b.build();
}

TEST(packed_labels, equal_flat_ones_in_all_they_answer) {
  seeded_random random(11);
  std::vector<labels> flat;
  for (int i = 0; i < 400; ++i)
    flat.push_back(random_labels(random));
  std::vector<labels> packed;
  for (const auto& l : flat)
    packed.push_back(l.packed());
  for (size_t i = 0; i < flat.size(); ++i) {
    const labels &f = flat[i], &p = packed[i];
    ASSERT_EQ(p.size(), f.size());
    ASSERT_EQ(p.hash(), f.hash());
    ASSERT_EQ(p.blob(), f.blob());
    ASSERT_EQ(p.blob_size(), f.blob().size());
    ASSERT_EQ(p.to_string(), f.to_string());
    ASSERT_TRUE(std::equal(p.begin(), p.end(), f.begin(), f.end()));
    for (const auto& l : f)
      ASSERT_EQ(p.get(l.name), l.value);
    ASSERT_EQ(p.get("zz"), "");
    labels back;
    ASSERT_TRUE(labels::from_blob(p.blob(), back));
    ASSERT_EQ(back, p);
    ASSERT_EQ(labels_builder(p).build(), f);
  }
  for (size_t i = 0; i < flat.size(); ++i)
    for (size_t k = 0; k < flat.size(); ++k) {
      const bool equal = flat[i] == flat[k];
      const auto order = flat[i] <=> flat[k];
      ASSERT_EQ(packed[i] == packed[k], equal);
      ASSERT_EQ(packed[i] == flat[k], equal);
      ASSERT_EQ(flat[i] == packed[k], equal);
      ASSERT_TRUE((packed[i] <=> packed[k]) == order);
      ASSERT_TRUE((packed[i] <=> flat[k]) == order);
      ASSERT_TRUE((flat[i] <=> packed[k]) == order);
      ASSERT_TRUE(!equal || packed[i].same_object(packed[k]) || !packed[i].is_packed());
    }
}

TEST(packed_labels, of_equal_sets_are_one_object) {
  const auto a = labels::from({{"a", "1"}, {"b", "2"}}).packed();
  const auto b = labels::from({{"b", "2"}, {"a", "1"}}).packed();
  EXPECT_TRUE(a.is_packed());
  EXPECT_TRUE(a.same_object(b));
  EXPECT_TRUE(a.packed().same_object(a));
  EXPECT_EQ(a.heap_bytes(), 24u);
  EXPECT_TRUE(labels().packed().empty());
}

TEST(packed_labels, oversized_sets_stay_flat) {
  const auto long_value = labels::from({{"a", std::string(9000, 'x')}});
  EXPECT_FALSE(long_value.packed().is_packed());
  EXPECT_EQ(long_value.packed(), long_value);
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 3000; ++i)
    many.emplace_back("n" + std::to_string(i), "v");
  EXPECT_FALSE(labels::from(many).packed().is_packed());
  many.resize(2000);
  EXPECT_TRUE(labels::from(many).packed().is_packed());
}

TEST(packed_labels, give_their_memory_back) {
  const auto before = labels::packed_memory();
  {
    std::vector<labels> held;
    for (int i = 0; i < 10'000; ++i)
      held.push_back(labels::from({{"__name__", "reclaim_total"},
                                   {"instance", "reclaim-" + std::to_string(i % 100)},
                                   {"id", std::to_string(i)}})
                         .packed());
    const auto full = labels::packed_memory();
    EXPECT_EQ(full.sets - before.sets, 10'000u);
    EXPECT_LE(full.texts - before.texts, 3 + 1 + 100 + 10'000u);
    std::shuffle(held.begin(), held.end(), std::minstd_rand(1));
    held.resize(5000);
    EXPECT_EQ(labels::packed_memory().sets - before.sets, 5000u);
  }
  const auto after = labels::packed_memory();
  EXPECT_EQ(after.sets, before.sets);
  EXPECT_EQ(after.texts, before.texts);
  EXPECT_EQ(after.object_bytes, before.object_bytes);
}

TEST(packed_labels, a_value_under_two_names_is_two_texts) {
  const auto before = labels::packed_memory();
  const auto l = labels::from({{"first_of_two", "same"}, {"second_of_two", "same"}}).packed();
  EXPECT_EQ(labels::packed_memory().texts - before.texts, 4u);
  EXPECT_EQ(l.get("first_of_two"), "same");
  EXPECT_EQ(l.get("second_of_two"), "same");
}

// Threads make, share, read and drop the same few sets all the time, so that last references race
// with look-ups.
TEST(packed_labels, survive_races_of_last_owner_and_look_up) {
  const auto before = labels::packed_memory();
  const auto make = [](uint64_t i) {
    return labels::from(
        {{"racing", std::to_string(i % 4)}, {"shared", "yes"}, {"z", std::to_string(i % 3)}});
  };
  std::atomic<int> wrong{0};
  const auto work = [&](uint64_t seed) {
    seeded_random random(seed);
    std::vector<labels> held(3);
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t which = random.below(12);
      labels& place = held[random.below(held.size())];
      const labels expected = make(which);
      place = expected.packed();
      const labels copy = place;
      wrong += !(copy == expected) || copy.get("shared") != "yes" || copy.blob() != expected.blob();
      if (random.below(4) == 0)
        held.assign(3, labels());
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 1; t <= 4; ++t)
    threads.emplace_back(work, t);
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(labels::packed_memory().sets, before.sets);
  EXPECT_EQ(labels::packed_memory().texts, before.texts);
}

TEST(packed_labels, are_made_of_pairs_they_have_in_common) {
  const labels a = labels::from({{"__name__", "m"}, {"instance", "1"}, {"job", "j"}}).packed();
  const std::vector<uint32_t> ids(a.pair_ids().begin(), a.pair_ids().end());
  labels same;
  ASSERT_TRUE(labels::from_pair_ids(ids, same));
  EXPECT_TRUE(same.same_object(a));
  labels part;
  ASSERT_TRUE(labels::from_pair_ids(std::span(ids).subspan(1), part));
  EXPECT_EQ(part, labels::from({{"instance", "1"}, {"job", "j"}}));
  EXPECT_EQ(part.hash(), labels::from({{"instance", "1"}, {"job", "j"}}).hash());
  labels none;
  EXPECT_FALSE(labels::from_pair_ids({}, none));
  const std::vector<uint32_t> twice{ids[0], ids[0]}, backwards{ids[1], ids[0]};
  EXPECT_FALSE(labels::from_pair_ids(twice, none));
  EXPECT_FALSE(labels::from_pair_ids(backwards, none));
}

}  // namespace
}  // namespace troupe
