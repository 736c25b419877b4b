#include "pipeline/remote/metadata_cache.h"

#include <gtest/gtest.h>

namespace troupe::remote {
namespace {

using positions = std::vector<uint32_t>;

TEST(MetadataCache, KnowsWhatWasStored) {
  manual_clock clk;
  metadata_cache known(clk);
  const std::vector<metadata_cache::entry> sent = {{1, 10}, {2, 20}, {1, 10}, {1, 11}, {2, 20}};
  EXPECT_EQ(known.unknown(sent), (positions{0, 1, 3})) << "each once, changes in their order";
  EXPECT_EQ(known.unknown(sent), (positions{0, 1, 3}));
  known.note(sent);
  EXPECT_EQ(known.unknown(sent), (positions{0, 3})) << "the last one counts";
  const std::vector<metadata_cache::entry> last = {{1, 11}, {2, 20}};
  known.note(last);
  EXPECT_TRUE(known.unknown(last).empty());
}

TEST(MetadataCache, ForgetsAfterARoundAndAboveItsBound) {
  manual_clock clk;
  metadata_cache known(clk);
  const std::vector<metadata_cache::entry> one = {{1, 10}};
  known.note(one);
  clk.advance_ms(metadata_cache::round_ms);
  EXPECT_TRUE(known.unknown(one).empty());
  clk.advance_ms(1);
  EXPECT_EQ(known.unknown(one).size(), 1u);
  known.note(one);
  EXPECT_TRUE(known.unknown(one).empty());
  std::vector<metadata_cache::entry> many;
  for (uint64_t i = 0; i < metadata_cache::max_families; ++i)
    many.push_back({i + 2, i});
  known.note(many);
  EXPECT_TRUE(known.unknown(many).empty());
  const std::vector<metadata_cache::entry> more = {{0, 7}};
  known.note(more);
  EXPECT_TRUE(known.unknown(more).empty());
  EXPECT_EQ(known.unknown(many).size(), many.size());
}

}  // namespace
}  // namespace troupe::remote
