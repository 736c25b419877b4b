// The parts of a publication alone: places of streams, what is too large, tables of series.
#include "pipeline/topics/oversize.h"
#include "pipeline/topics/series_book.h"
#include "pipeline/topics/stream_places.h"
#include "storage/model/slot.h"

#include <gtest/gtest.h>

namespace troupe::topics {
namespace {

send::place at(uint64_t sequence, uint32_t entry = 0) {
  return {1, sequence, entry};
}

TEST(StreamPlaces, AStreamGoesOnWhenAllBeforeIsDone) {
  send::places begin{};
  begin.fill(at(1));
  stream_places p(begin);
  const auto a = p.add(3, {1, 1}, 100);
  p.end_batch(3, at(2));
  const auto b1 = p.add(3, {1, 2}, 200), b2 = p.add(3, {1, 2}, 200);
  p.end_batch(3, at(3));
  p.end_batch(3, at(4));  // nothing of it is sent
  p.end_batch(5, at(9));
  EXPECT_EQ(p.next()[5], at(9));
  EXPECT_EQ(p.oldest(3, 4, {1, 7}), (storage::log_segment{1, 1}));
  EXPECT_EQ(p.oldest(1, 4, {1, 7}), (storage::log_segment{1, 7}));
  p.done(3, b1);
  EXPECT_EQ(p.next()[3], at(1));
  p.done(3, a);
  EXPECT_EQ(p.next()[3], at(2));
  EXPECT_EQ(p.oldest_ts(), 200);
  EXPECT_EQ(p.take_moved().size(), 2u);
  p.done(3, b2);
  EXPECT_EQ(p.next()[3], at(4));
  EXPECT_TRUE(p.empty());
  EXPECT_EQ(p.take_moved(), (std::vector<send::advance>{{0, 3, at(4)}}));
  EXPECT_TRUE(p.take_moved().empty());
}

TEST(Oversize, HalvesDownToTheSampleThatIsTooLarge) {
  oversize o(1 << 18);
  const entry_range many{7, at(10, 0), at(12, 99), 200};
  EXPECT_FALSE(o.refused(2 << 20, {&many, 1}));
  EXPECT_EQ(o.record_bytes(), 1u << 18);
  EXPECT_EQ(o.most_together(7, at(11, 5)), 100u);
  EXPECT_EQ(o.most_together(7, at(13, 0)), 0u);
  EXPECT_EQ(o.most_together(8, at(11, 5)), 0u);
  const entry_range one{7, at(11, 5), at(11, 5), 1};
  EXPECT_TRUE(o.refused(2 << 20, {&one, 1}));
  EXPECT_TRUE(o.is_left_out(7, at(11, 5)));
  EXPECT_FALSE(o.is_left_out(7, at(11, 6)));
  EXPECT_EQ(o.most_together(7, at(11, 6)), 0u);
  o.passed(7, at(11));
  EXPECT_FALSE(o.is_clear(7));
  o.passed(7, at(12));
  EXPECT_TRUE(o.is_clear(7));
}

TEST(Oversize, RecordsOfOrdinarySizeBecomeSmallerForAWhile) {
  oversize o(1 << 18);
  const entry_range many{7, at(10), at(12), 200};
  EXPECT_FALSE(o.refused(200'000, {&many, 1}));
  EXPECT_EQ(o.record_bytes(), 100'000u);
  for (int i = 0; i < 30; ++i)
    EXPECT_FALSE(o.refused(o.record_bytes(), {&many, 1}));
  EXPECT_EQ(o.record_bytes(), 1024u);
  for (int i = 0; i < 30; ++i)
    o.relax();
  EXPECT_EQ(o.record_bytes(), 1u << 18);
}

class SeriesBook : public testing::Test {
 protected:
  storage::wal_batch& batch(uint64_t group, std::vector<labels> series) {
    dictionary.clear();
    for (auto& l : series)
      dictionary.push_back({l.packed(), "", slot_of("", l)});
    b.group = group;
    b.slot = dictionary[0].slot;
    b.dictionary = &dictionary;
    return b;
  }
  static labels of(const std::string& name, const std::string& instance) {
    return labels::from({{"__name__", name}, {"instance", instance}, {"job", "j"}});
  }
  std::vector<storage::wal_series> dictionary;
  storage::wal_batch b;
  std::shared_ptr<send::series_rules> rules = std::make_shared<send::series_rules>();
};

TEST_F(SeriesBook, TablesGrowAndKeepPositions) {
  series_book book(rules, 4, 1);
  destined to;
  book.begin(0, batch(1, {of("a", "x"), of("b", "x")}));
  ASSERT_TRUE(book.find(1, to));
  EXPECT_EQ(to.partition, b.slot % 4u);
  EXPECT_EQ(to.position, 0u);
  EXPECT_GT(to.new_bytes, 0u);
  ASSERT_TRUE(book.find(1, to));
  EXPECT_EQ(to.new_bytes, 0u);
  const auto first = book.table(to.partition);
  EXPECT_EQ(first->series.size(), 1u);
  EXPECT_EQ(book.table(to.partition), first);
  ASSERT_TRUE(book.find(0, to));
  EXPECT_EQ(to.position, 1u);
  const auto second = book.table(to.partition);
  EXPECT_TRUE(second->series[0].same_object(first->series[0]));
  EXPECT_EQ(second->series[1], of("a", "x"));
}

TEST_F(SeriesBook, NumbersThatComeToMeanOthers) {
  series_book book(rules, 4, 1);
  destined to;
  book.begin(0, batch(1, {of("a", "x"), of("b", "x")}));
  ASSERT_TRUE(book.find(0, to));
  // The same series under the same number, of another sender.
  book.begin(0, batch(2, {of("a", "x"), of("b", "x")}));
  ASSERT_TRUE(book.find(0, to));
  EXPECT_GT(to.new_bytes, 0u);
  EXPECT_EQ(book.table(to.partition)->series.size(), 1u);
  // Another series under it.
  book.begin(0, batch(2, {of("c", "x")}));
  ASSERT_TRUE(book.find(0, to));
  EXPECT_EQ(to.position, 1u);
  EXPECT_EQ(book.table(to.partition)->series[1], of("c", "x"));
}

TEST_F(SeriesBook, ForgetsAPartition) {
  series_book book(rules, 1, 1);
  destined to;
  book.begin(0, batch(1, {of("a", "x"), of("b", "x")}));
  ASSERT_TRUE(book.find(0, to));
  ASSERT_TRUE(book.find(1, to));
  book.table(0);
  book.forget(0);
  book.begin(0, b);
  ASSERT_TRUE(book.find(1, to));
  EXPECT_EQ(to.position, 0u);
  EXPECT_GT(to.new_bytes, 0u);
}

TEST_F(SeriesBook, OtherLabelsMayBelongToAnotherPartition) {
  rules->external_labels = {{"instance", "other"}, {"job", "j"}};
  rules->selectors = {{*matcher::make(match_op::not_equal, "__name__", "b")}};
  series_book book(rules, 256, 1);
  destined to;
  book.begin(
      0, batch(1, {labels::from({{"__name__", "a_total"}}), labels::from({{"__name__", "b"}})}));
  ASSERT_TRUE(book.find(0, to));
  EXPECT_EQ(to.partition, slot_of("", of("a_total", "other")));
  EXPECT_FALSE(book.find(1, to));
  EXPECT_TRUE(book.wants_family("a"));
  EXPECT_FALSE(book.wants_family("b"));
}

}  // namespace
}  // namespace troupe::topics
