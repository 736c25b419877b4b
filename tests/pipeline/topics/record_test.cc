// The envelope of records, and what writers put into it.
#include "pipeline/topics/record.h"

#include "storage/base/coding.h"
#include "storage/base/random.h"
#include "storage/model/slot.h"
#include "storage/model/tenant.h"
#include "tests/pipeline/topics/topics_kit.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe::topics {
namespace {

record_header odd_header() {
  record_header h;
  h.node = 0x0123'4567'89ab'cdefULL;
  h.session = std::numeric_limits<uint64_t>::max();
  h.segment = 3;
  h.index = std::numeric_limits<uint32_t>::max();
  h.key_offset = std::numeric_limits<int64_t>::max();
  h.as_of = min_time;
  h.samples = 5;
  return h;
}

TEST(record, comes_back) {
  for (const auto& header : {record_header(), odd_header()}) {
    const std::string bytes = make_record(header, "frames");
    EXPECT_TRUE(is_record(bytes));
    const auto got = split_record(bytes);
    ASSERT_TRUE(got.ok()) << got.error().to_string();
    EXPECT_EQ(got->header, header);
    EXPECT_EQ(got->frames, "frames");
  }
}

TEST(record, no_damage_passes) {
  const std::string bytes = make_record(odd_header(), "frames");
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(split_record(flipped).ok()) << bit;
  }
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_EQ(split_record(bytes.substr(0, n)).code(), errc::corruption) << n;
  EXPECT_EQ(split_record(bytes + "x").code(), errc::corruption);
}

TEST(record, of_a_later_version_is_unsupported) {
  std::string bytes = make_record({}, "");
  bytes[4] = 2;
  EXPECT_EQ(split_record(bytes).code(), errc::unsupported);
  bytes[4] = 0;
  EXPECT_EQ(split_record(bytes).code(), errc::corruption);
}

write_batch one_sample(const labels& series, timestamp_ms ts = 1000) {
  return storage::simple_batch(make_series_table("", {series}), ts, {1});
}

TEST(record_writer, tells_where_each_record_stands) {
  record_writer writer({.node = 3, .session = 9});
  const auto batch = one_sample(storage::make_series({{"__name__", "up"}}));
  for (uint32_t segment = 0; segment < 3; ++segment) {
    uint64_t bytes = 0;
    for (uint32_t index = 0; index < 3; ++index) {
      EXPECT_EQ(writer.at_segment_start(), index == 0);
      EXPECT_EQ(writer.segment_bytes(), bytes);
      ASSERT_TRUE(writer.add(batch).ok());
      EXPECT_EQ(writer.samples(), 1u);
      EXPECT_GT(writer.bytes(), 0u);
      const std::string record = writer.take(40, 5000 + index);
      bytes += record.size();
      const auto got = split_record(record);
      ASSERT_TRUE(got.ok());
      const record_header want{3, 9, segment, index, index == 0 ? -1 : 40, 5000 + index, 1};
      EXPECT_EQ(got->header, want);
      EXPECT_EQ(writer.samples(), 0u);
      EXPECT_EQ(writer.bytes(), 0u);
    }
    writer.begin_segment();
    writer.begin_segment();  // nothing of it was taken
  }
}

TEST(record_writer, refuses_series_of_other_partitions) {
  record_writer writer({.node = 1, .session = 1, .partition = 1, .partitions = 3});
  for (int i = 0; i < 30; ++i) {
    const auto series = storage::make_series({{"__name__", "m" + std::to_string(i)}});
    const bool own = slot_of("", series) % 3 == 1;
    EXPECT_EQ(writer.add(one_sample(series)).code(), own ? errc::ok : errc::invalid_argument);
  }
}

TEST(record_writer, refuses_what_makes_a_record_too_long) {
  seeded_random random(1);
  write_batch big;
  for (int i = 0; i < 70; ++i) {
    std::string help;
    while (help.size() < 1'000'000)
      put_u64(help, random.next());
    big.metadata.push_back({"m" + std::to_string(i), {metric_type::gauge, "", std::move(help)}});
  }
  record_writer writer({.node = 1, .session = 1});
  EXPECT_EQ(writer.add(big).code(), errc::invalid_argument);
  EXPECT_EQ(writer.bytes(), 0u);
  const auto up = storage::make_series({{"__name__", "up"}});
  ASSERT_TRUE(writer.add(one_sample(up, 1000)).ok());
  EXPECT_EQ(writer.add(big).code(), errc::resource_exhausted);
  ASSERT_TRUE(writer.add(one_sample(up, 2000)).ok());
  record_reader reader({});
  taken got;
  ASSERT_TRUE(got.read(reader, writer.take(-1, 0), 0));
  EXPECT_EQ(got.samples, 2u);
  EXPECT_TRUE(got.content.metadata.empty());
}

TEST(record_writer, memory_does_not_grow_with_segments) {
  record_writer writer({.node = 1, .session = 1});
  batch_source source(5);
  uint64_t after_first = 0;
  for (int segment = 0; segment < 50; ++segment) {
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(writer.add(source.scrape(0)).ok());
    writer.take(0, 0);
    if (segment == 0)
      after_first = writer.memory_bytes();
    writer.begin_segment();
  }
  EXPECT_LT(writer.memory_bytes(), 20 * after_first);
}

TEST(record, what_a_writer_notes_for_itself_is_not_taken_over) {
  record_writer writer({1, 1, 0, 1});
  for (const auto tenant : {std::string_view("users"), audit_tenant, rules_tenant}) {
    write_batch b;
    b.tenant = std::string(tenant);
    b.table = make_series_table(tenant, {labels::from({{"__name__", "m"}})});
    b.floats.push_back({1000, 1, 0});
    ASSERT_TRUE(writer.add(b).ok());
  }
  record_reader reader({});
  const auto got = reader.read(writer.take(-1, 1000), 0);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->batches.size(), 1u);
  EXPECT_EQ(got->batches[0]->tenant, "users");
}

}  // namespace
}  // namespace troupe::topics
