#include "storage/model/labels.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/base/random.h"
#include "storage/model/slot.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace troupe {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

TEST(labels, sorts_drops_empty_and_keeps_the_last) {
  const auto l =
      labels::from({{"b", "1"}, {"a", "x"}, {"c", ""}, {"b", "2"}, {"d", "y"}, {"d", ""}});
  EXPECT_EQ(l.size(), 2u);
  EXPECT_EQ(l.get("a"), "x");
  EXPECT_EQ(l.get("b"), "2");
  EXPECT_FALSE(l.has("c"));
  EXPECT_FALSE(l.has("d"));
  EXPECT_TRUE(labels::from({{"a", ""}}).empty());
  EXPECT_EQ(labels(), labels::from({}));
}

TEST(labels, prints_as_prometheus) {
  EXPECT_EQ(labels::from({{"__name__", "up"}, {"job", "a\"b"}, {"x", "y"}}).to_string(),
            R"(up{job="a\"b", x="y"})");
  EXPECT_EQ(labels::from({{"__name__", "up"}}).to_string(), "up");
  EXPECT_EQ(labels::from({{"__name__", "a.b"}, {"x", "y"}}).to_string(), R"({"a.b", x="y"})");
  EXPECT_EQ(labels::from({{"a.b", "1"}}).to_string(), R"({"a.b"="1"})");
  EXPECT_EQ(labels().to_string(), "{}");
}

TEST(labels, behaves_as_a_sorted_map) {
  seeded_random random(5);
  const auto text = [&] {
    std::string s(random.below(3), 'a');
    for (auto& c : s)
      c = static_cast<char>('a' + random.below(3));
    return s + (random.below(50) == 0 ? std::string(200, 'l') : "");
  };
  labels previous;
  std::map<std::string, std::string> previous_map;
  for (int i = 0; i < 3000; ++i) {
    labels_builder b;
    std::map<std::string, std::string> m;
    for (uint64_t k = random.below(6); k > 0; --k) {
      const auto name = text() + "n", value = text();
      b.set(name, value);
      if (value.empty())
        m.erase(name);
      else
        m[name] = value;
    }
    const labels l = b.build();
    pairs seen;
    for (const auto& p : l)
      seen.emplace_back(p.name, p.value);
    ASSERT_EQ(seen, pairs(m.begin(), m.end()));
    ASSERT_EQ(l, labels::from(seen));
    ASSERT_EQ(l.hash(), l.empty() ? 0 : xxh3(l.blob()));
    ASSERT_EQ(l < previous, m < previous_map);
    const labels packed = l.packed(), previous_packed = previous.packed();
    const auto order = l <=> previous;
    ASSERT_TRUE(packed <=> previous_packed == order);
    ASSERT_TRUE(packed <=> previous == order && l <=> previous_packed == order);
    ASSERT_EQ(l == previous, m == previous_map);
    labels back;
    ASSERT_TRUE(labels::from_blob(l.blob(), back));
    ASSERT_EQ(back, l);
    previous = l;
    previous_map = m;
  }
}

TEST(labels, refuses_blobs_that_are_not_canonical) {
  const auto blob = [](const pairs& ps) {
    std::string out;
    for (const auto& [n, v] : ps) {
      put_bytes(out, n);
      put_bytes(out, v);
    }
    return out;
  };
  labels out;
  EXPECT_TRUE(labels::from_blob(blob({{"a", "1"}, {"b", "2"}}), out));
  EXPECT_FALSE(labels::from_blob(blob({{"b", "1"}, {"a", "2"}}), out));
  EXPECT_FALSE(labels::from_blob(blob({{"a", "1"}, {"a", "2"}}), out));
  EXPECT_FALSE(labels::from_blob(blob({{"a", ""}}), out));
  EXPECT_FALSE(labels::from_blob(blob({{"", "a"}}), out));
  EXPECT_FALSE(labels::from_blob("\x01", out));
  EXPECT_FALSE(labels::from_blob(std::string("\x81\x00", 2) + "a\x01" + "b", out));
}

TEST(labels, builder_edits) {
  labels_builder b(labels::from({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  b.set("b", "").del("zz").set("aa", "4");
  EXPECT_EQ(b.get("aa"), "4");
  EXPECT_EQ(b.get("b"), "");
  b.keep_if([](std::string_view n) { return n != "a"; });
  EXPECT_EQ(b.build(), labels::from({{"aa", "4"}, {"c", "3"}}));
}

TEST(labels, copies_are_counted_across_threads) {
  const auto l = labels::from({{"a", "1"}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([l] {
      for (int i = 0; i < 10'000; ++i) {
        labels copy = l;
        labels moved = std::move(copy);
        copy = moved;
      }
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(l.get("a"), "1");
}

// On disk for ever: these numbers may never change.
TEST(slot, fixed_values_and_rule) {
  const auto target = labels::from({{"__name__", "up"}, {"instance", "h:1"}, {"job", "j"}});
  const auto other =
      labels::from({{"__name__", "down"}, {"instance", "h:1"}, {"job", "j"}, {"x", "y"}});
  EXPECT_EQ(slot_of("", target), slot_of("", other));
  const auto expect = [](std::string_view tenant, const labels& l, const std::string& text) {
    EXPECT_EQ(slot_of(tenant, l), xxh3(text, slot_hash_seed) % 256);
  };
  expect("", target, "\xffj\xffh:1\xff");
  expect("t", target, "t\xffj\xffh:1\xff");
  const auto loose =
      labels::from({{"__name__", "up"}, {"job", "j"}, {"long", std::string(600, 'x')}});
  expect("", loose, "\xff" + std::string(loose.blob()));
  EXPECT_EQ(slot_of("", labels()), xxh3("\xff", slot_hash_seed) % 256);
  EXPECT_EQ(slot_hash_seed, 0x74726f7570650001ULL);
}

}  // namespace
}  // namespace troupe
