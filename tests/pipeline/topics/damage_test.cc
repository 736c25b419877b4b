// Damaged records, and the bounds of what a reader remembers.
#include "storage/base/coding.h"
#include "storage/wal/frame_encoder.h"
#include "tests/pipeline/topics/topics_kit.h"

#include <gtest/gtest.h>

namespace troupe::topics {
namespace {

random_writer::shape small() {
  random_writer::shape s;
  s.batches = 2;
  s.data.targets = 1;
  s.data.series_per_target = 3;
  return s;
}

TEST(topics_damage, no_flipped_bit_passes) {
  const auto log = fill(11, 6, small());
  for (size_t damaged = 0; damaged < log.records.size(); ++damaged) {
    const std::string& record = log.records[damaged];
    for (size_t bit = 0; bit < record.size() * 8; ++bit) {
      std::string flipped = record;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      record_reader reader({});
      EXPECT_FALSE(reader.read(flipped, 0).ok());
      EXPECT_FALSE(reader.key_offset().has_value());
    }
  }
}

TEST(topics_damage, the_reader_goes_on) {
  const auto log = fill(12, 13);
  for (size_t damaged = 0; damaged + 1 < log.records.size(); ++damaged) {
    record_reader reader({});
    taken got;
    for (size_t i = 0; i < log.records.size(); ++i) {
      std::string record = log.records[i];
      if (i == damaged)
        record[record.size() - 1] = static_cast<char>(record[record.size() - 1] ^ 8);
      EXPECT_EQ(got.read(reader, record, static_cast<int64_t>(i)), i != damaged);
    }
    got.content.missing_from(log.content());
    EXPECT_EQ(got.samples + got.lost + log.samples(damaged), log.samples());
  }
}

/// The frames of another segment, in an envelope that is right.
TEST(topics_damage, frames_of_another_segment_are_refused) {
  const auto log = fill(13, 7);
  const auto parts = split_record(log.records[0]);
  for (int what = 0; what < 3; ++what) {
    record_header h = parts->header;
    h.node += what == 0;
    h.session += what == 1;
    h.segment += what == 2;
    record_reader reader({});
    EXPECT_EQ(reader.read(make_record(h, parts->frames, parts->packing), 0).code(),
              errc::corruption);
  }
}

/// A section that names the series of one group at a time, far apart.
std::string sparse_record(uint32_t index, uint64_t first_group, size_t groups) {
  record_header h;
  h.node = 1;
  h.index = index;
  std::string frames;
  for (size_t i = 0; i < groups; ++i) {
    storage::section s;
    s.has_group = true;
    s.key = true;
    s.group_number = first_group + i;
    std::string section, key, body;
    storage::put_section_head(s, section);
    storage::put_key({{4'000'000}, {1}}, key);
    storage::put_part(storage::part_kind::key, key, section);
    put_bytes(body, {});
    body += section;
    storage::frame_header f;
    f.stream = 3;
    f.salt = segment_salt(h);
    f.sequence = first_group + i + 1;
    put_frame(f, body, false, frames);
  }
  return make_record(h, frames);
}

TEST(topics_damage, memory_of_references_is_bounded) {
  record_reader reader({}, nullptr, {.state_bytes = 100u << 20});
  taken got;
  for (uint32_t i = 0; i < 100; ++i) {
    got.read(reader, sparse_record(i, i * 10, 10), i);
    ASSERT_LE(reader.memory_bytes(), 101u << 20);
  }
  EXPECT_EQ(got.failed, 100u);
}

TEST(topics_damage, what_waits_is_bounded) {
  constexpr size_t waiting_bytes = 4096;
  random_writer::shape s;
  s.records = 1000;
  s.data.targets = 20;
  const auto log = fill(14, 301, s);
  record_reader whole({}), reader({}, nullptr, {.waiting_bytes = waiting_bytes});
  taken all, got;
  uint64_t missing = 0;
  for (size_t i = 0; i < log.records.size(); ++i) {
    all.read(whole, log.records[i], static_cast<int64_t>(i));
    if (i % 100 == 30) {
      missing += log.samples(i);
      continue;
    }
    got.read(reader, log.records[i], static_cast<int64_t>(i));
    ASSERT_LE(reader.memory_bytes(), whole.memory_bytes() + waiting_bytes);
  }
  got.content.missing_from(log.content());
  EXPECT_GT(got.lost, 0u);
  EXPECT_LE(got.samples + got.lost + missing, log.samples());
}

TEST(topics_damage, nodes_are_bounded) {
  record_reader reader({}, nullptr, {.nodes = 3});
  for (uint64_t node = 0; node < 20; ++node) {
    record_writer writer({.node = node, .session = 1});
    ASSERT_TRUE(reader.read(writer.take(-1, 1000), static_cast<int64_t>(node)).ok());
    EXPECT_EQ(*reader.key_offset(), node < 3 ? 0 : static_cast<int64_t>(node) - 2);
  }
}

TEST(topics_damage, a_silent_node_is_forgotten) {
  constexpr int64_t minute_ms = 60'000;
  record_reader reader({});
  record_writer gone({.node = 1, .session = 1}), other({.node = 2, .session = 1});
  ASSERT_TRUE(reader.read(gone.take(-1, 0), 0).ok());
  // Its clock is far ahead; only how it moves counts.
  for (int64_t i = 0; i <= 61; ++i) {
    ASSERT_TRUE(reader.read(other.take(1, int64_t{1} << 50 | i * minute_ms), 1 + i).ok());
    ASSERT_EQ(*reader.key_offset(), i <= 60 ? 0 : 1);
  }
  EXPECT_FALSE(reader.knows(gone.take(0, 0)));
}

TEST(topics_damage, a_clock_that_jumps_forgets_nobody) {
  record_reader reader({});
  record_writer one({.node = 1, .session = 1}), two({.node = 2, .session = 1});
  for (int64_t i = 0; i < 50; ++i) {
    const timestamp_ms wild = i % 2 ? min_time + 1 : max_time;
    ASSERT_TRUE(reader.read(one.take(0, i * 500), 2 * i).ok());
    ASSERT_TRUE(reader.read(two.take(1, wild), 2 * i + 1).ok());
    ASSERT_EQ(*reader.key_offset(), 0);
  }
}

}  // namespace
}  // namespace troupe::topics
