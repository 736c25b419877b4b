#include "pipeline/remote/reference_hash.h"

#include "storage/base/coding.h"
#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace troupe::remote {
namespace {

class ReferenceHash : public ::testing::Test {
 protected:
  ReferenceHash() {
    for (int i = 0; i < 40'000; ++i)
      texts.push_back(xxh3_128("t" + std::to_string(i)));
  }
  static std::string packed(const std::vector<uint32_t>& refs) {
    std::string out;
    for (const uint32_t r : refs)
      put_varint(out, r);
    return out;
  }
  /// As sequence_hash has it, one after the other.
  std::optional<hash128> expected(const std::vector<uint32_t>& refs) const {
    sequence_hash::state s(sequences);
    for (const uint32_t r : refs) {
      if (r >= texts.size())
        return std::nullopt;
      s.add(texts[r]);
    }
    return refs.size() % 2 == 0 ? std::optional(s.result()) : std::nullopt;
  }
  /// One that takes one, two or three bytes.
  uint32_t any_reference() {
    static constexpr uint64_t below[] = {0x80, 0x4000, 40'000};
    return static_cast<uint32_t>(dice.below(below[dice.below(3)]));
  }

  const sequence_hash sequences{42};
  std::vector<hash128> texts;
  seeded_random dice{7};
};

TEST_F(ReferenceHash, FollowsNeighboursWhateverDiffers) {
  reference_hash h(sequences, texts);
  std::vector<uint32_t> refs;
  std::string kept[2];  // the one before stays where it is
  for (int i = 0; i < 200'000; ++i) {
    if (dice.below(20) == 0) {
      refs.resize(dice.below(dice.below(10) == 0 ? 150 : 24));
      for (auto& r : refs)
        r = any_reference();
    }
    if (!refs.empty())
      for (uint64_t n = dice.below(4); n > 0; --n)
        refs[dice.below(refs.size())] = dice.below(300) == 0 ? 40'000 : any_reference();
    std::string& now = kept[i % 2];
    now = packed(refs);
    const auto want = expected(refs);
    ASSERT_EQ(h.read(now), want.has_value()) << i;
    if (want) {
      ASSERT_EQ(h.result(), *want) << i;
    }
  }
}

TEST_F(ReferenceHash, TellsTextsApartThatChangePlaces) {
  reference_hash h(sequences, texts);
  const std::string one = packed({1, 2, 3, 4, 5, 6, 7, 8}),
                    other = packed({1, 2, 3, 6, 5, 4, 7, 8});
  ASSERT_TRUE(h.read(one));
  const hash128 first = h.result();
  ASSERT_TRUE(h.read(other));
  EXPECT_NE(h.result().low, first.low);
  EXPECT_NE(h.result().high, first.high);
  ASSERT_TRUE(h.read(one));
  EXPECT_EQ(h.result(), first);
}

TEST_F(ReferenceHash, RefusesWhatIsMalformed) {
  reference_hash h(sequences, texts);
  const std::string good = packed({1, 2, 3, 4, 500, 600, 7, 8});
  for (const std::string& bad :
       {good.substr(0, good.size() - 1), good.substr(0, good.size() - 1) + "\x88",
        packed({1, 2, 3, 40'000, 500, 600, 7, 8}), good.substr(0, 7) + std::string(11, '\xff')}) {
    EXPECT_TRUE(h.read(good));
    EXPECT_FALSE(h.read(bad));
    EXPECT_FALSE(h.read(bad));
  }
  EXPECT_TRUE(h.read(good));
  EXPECT_EQ(h.result(), *expected({1, 2, 3, 4, 500, 600, 7, 8}));
  EXPECT_TRUE(h.read({}));
  EXPECT_EQ(h.result(), *expected({}));
}

}  // namespace
}  // namespace troupe::remote
