// Tables of series: the same object as long as nothing is new, over segments and sessions; those
// that are no longer used go.
#include "pipeline/topics/series_tables.h"

#include "storage/model/slot.h"
#include "tests/pipeline/topics/topics_kit.h"

#include <gtest/gtest.h>

namespace troupe::topics {
namespace {

labels numbered(size_t i) {
  return storage::make_series({{"__name__", "m" + std::to_string(i)}});
}

TEST(kept_table, numbers_series_in_order) {
  kept_table t("team", 5);
  EXPECT_EQ(t.current(), nullptr);
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(t.position_of(numbered(i)), i);
    ASSERT_EQ(t.position_of(numbered(i / 2)), i / 2);
    if (i % 7 == 0) {
      ASSERT_EQ(t.current()->series.size(), i + 1);
    }
  }
  const auto table = t.current();
  ASSERT_EQ(table->series.size(), 1000u);
  for (size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(table->series[i], numbered(i));
    EXPECT_EQ(table->slot(i), slot_of("team", numbered(i)));
  }
  EXPECT_EQ(t.current(), table);
}

/// Batches of a group with the given series, one record.
std::string record_of(record_writer& from, size_t first, size_t end, int64_t offset,
                      uint64_t group = 7) {
  std::vector<labels> series;
  std::vector<double> values;
  for (size_t i = first; i < end; ++i) {
    series.push_back(numbered(i));
    values.push_back(1);
  }
  const auto b =
      storage::simple_batch(make_series_table("", std::move(series)), 1000 * offset, values, group);
  EXPECT_TRUE(from.add(b).ok());
  return from.take(0, 0);
}

TEST(topics_tables, outlive_segments_and_sessions) {
  record_reader reader({});
  taken got;
  series_table_ptr table;
  int64_t offset = 0;
  for (uint64_t session = 0; session < 3; ++session) {
    record_writer writer({.node = 1, .session = session});
    for (int i = 0; i < 12; ++i) {
      if (i % 4 == 0)
        writer.begin_segment();
      ASSERT_TRUE(got.read(reader, record_of(writer, 0, 50, offset), offset));
      ++offset;
      ASSERT_EQ(got.last.size(), 1u);
      if (table) {
        ASSERT_EQ(got.last.front()->table, table);
      }
      table = got.last.front()->table;
    }
  }
}

TEST(topics_tables, grow_where_they_end) {
  record_reader reader({});
  taken got;
  record_writer writer({.node = 1, .session = 1});
  series_table_ptr before;
  for (int64_t i = 0; i < 20; ++i) {
    const auto end = static_cast<size_t>(10 + i);
    ASSERT_TRUE(got.read(reader, record_of(writer, 0, end, i), i));
    const auto table = got.last.front()->table;
    ASSERT_EQ(table->series.size(), end);
    for (size_t k = 0; before && k < before->series.size(); ++k)
      ASSERT_TRUE(table->series[k].same_object(before->series[k]));
    before = table;
  }
}

TEST(topics_tables, are_made_anew_when_most_is_garbage) {
  record_reader reader({});
  taken got;
  record_writer writer({.node = 1, .session = 1});
  int64_t offset = 0;
  for (size_t segment = 0; segment < 30; ++segment) {
    const size_t first = segment * 500;
    ASSERT_TRUE(got.read(reader, record_of(writer, first, first + 500, offset), offset));
    ++offset;
    writer.begin_segment();
    ASSERT_LE(got.last.front()->table->series.size(), 2 * 500u + 500u + 256u);
  }
  EXPECT_EQ(got.samples, 30u * 500u);
}

TEST(topics_tables, of_groups_that_are_gone_are_forgotten) {
  record_reader reader({});
  taken got;
  record_writer writer({.node = 1, .session = 1});
  uint64_t most = 0;
  for (int64_t segment = 0; segment < 200; ++segment) {
    ASSERT_TRUE(got.read(reader, record_of(writer, 0, 100, segment, static_cast<uint64_t>(segment)),
                         segment));
    writer.begin_segment();
    if (segment == 5)
      most = reader.memory_bytes();
  }
  EXPECT_LE(reader.memory_bytes(), most);
}

}  // namespace
}  // namespace troupe::topics
