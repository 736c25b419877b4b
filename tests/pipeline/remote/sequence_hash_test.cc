#include "pipeline/remote/sequence_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace troupe::remote {
namespace {

constexpr uint64_t secret = 42;

hash128 hash_of(const sequence_hash& h, const std::vector<std::string>& texts) {
  sequence_hash::state s(h);
  for (const auto& t : texts)
    s.add(xxh3_128(t, secret));
  EXPECT_EQ(s.count(), texts.size());
  return s.result();
}

TEST(SequenceHash, TellsOrderLengthAndTextsApart) {
  const sequence_hash h(secret), other(secret + 1);
  std::set<std::pair<uint64_t, uint64_t>> seen;
  size_t n = 0;
  const auto is_new = [&](const std::vector<std::string>& texts) {
    const auto x = hash_of(h, texts);
    EXPECT_EQ(x, hash_of(h, texts));
    EXPECT_FALSE(x == hash_of(other, texts) && !texts.empty());
    ++n;
    return seen.emplace(x.low, x.high).second;
  };
  EXPECT_TRUE(is_new({}));
  // All sequences of up to five of three texts.
  std::vector<std::vector<std::string>> all = {{}};
  for (size_t i = 0; i < all.size() && all[i].size() < 5; ++i)
    for (const char* t : {"", "a", "b"}) {
      auto longer = all[i];
      longer.emplace_back(t);
      EXPECT_TRUE(is_new(longer));
      all.push_back(std::move(longer));
    }
  EXPECT_EQ(seen.size(), n);
}

TEST(SequenceHash, LongSequencesKeepTheirOrder) {
  const sequence_hash h(secret);
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i)
    texts.push_back("t" + std::to_string(i));
  std::set<uint64_t> seen = {hash_of(h, texts).low};
  for (size_t i = 0; i + 1 < texts.size(); ++i) {
    std::swap(texts[i], texts[i + 1]);
    EXPECT_TRUE(seen.insert(hash_of(h, texts).low).second) << i;
    std::swap(texts[i], texts[i + 1]);
  }
  // The same factor is used again 64 texts later.
  for (size_t i = 0; i + 64 < texts.size(); ++i) {
    std::swap(texts[i], texts[i + 64]);
    EXPECT_TRUE(seen.insert(hash_of(h, texts).low).second) << i;
    std::swap(texts[i], texts[i + 64]);
  }
}

}  // namespace
}  // namespace troupe::remote
