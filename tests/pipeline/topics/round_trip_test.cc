// What writers put into a partition comes out of it, whatever of it is missing or comes twice:
// never a wrong value, and what cannot be read is counted.
#include "tests/pipeline/topics/topics_kit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace troupe::topics {
namespace {

constexpr size_t segment_records = 6;

TEST(topics_round_trip, everything_comes_back) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    random_writer::shape s;
    s.at.partitions = 1 + seed % 3;
    s.at.partition = static_cast<uint32_t>(seed % s.at.partitions);
    s.data.shards = s.at.partitions;
    s.data.shard = s.at.partition;
    s.data.senders = 1 + seed % 2;
    s.records = 1 + seed % 9;
    const auto log = fill(seed, 30, s);
    record_reader reader({});
    taken got;
    for (size_t i = 0; i < log.records.size(); ++i) {
      ASSERT_TRUE(reader.knows(log.records[i]));
      ASSERT_TRUE(got.read(reader, log.records[i], static_cast<int64_t>(i)));
    }
    EXPECT_EQ(got.content, log.content());
    EXPECT_EQ(got.samples, log.samples());
    EXPECT_EQ(got.lost, 0u);
    EXPECT_EQ(*reader.key_offset(), static_cast<int64_t>(29 / s.records * s.records));
  }
}

TEST(topics_round_trip, begins_in_the_middle) {
  const auto log = fill(3, 3 * segment_records);
  for (size_t first = 0; first < log.records.size(); ++first) {
    record_reader reader({});
    taken got;
    const size_t key = first / segment_records * segment_records;
    EXPECT_EQ(reader.knows(log.records[first]), first == key);
    if (first != key) {
      taken nothing;
      ASSERT_TRUE(nothing.read(reader, log.records[first], static_cast<int64_t>(first)));
      EXPECT_EQ(nothing.samples, 0u);
      EXPECT_EQ(nothing.lost, log.samples(first));
      EXPECT_EQ(split_record(log.records[first])->header.key_offset, static_cast<int64_t>(key));
      EXPECT_FALSE(reader.key_offset().has_value());
    }
    for (size_t i = key; i < first; ++i)
      ASSERT_TRUE(reader.learn(log.records[i], static_cast<int64_t>(i)).ok());
    for (size_t i = first; i < log.records.size(); ++i) {
      EXPECT_TRUE(reader.knows(log.records[i]));
      ASSERT_TRUE(got.read(reader, log.records[i], static_cast<int64_t>(i)));
    }
    EXPECT_EQ(got.content, log.content(first));
    EXPECT_EQ(got.lost, 0u);
  }
}

/// A writer whose groups have a key frame within a segment now and then.
partition_log long_segments(uint64_t seed) {
  random_writer::shape s;
  s.records = 60;
  s.batches = 8;
  s.data.targets = 2;
  s.data.senders = 0;
  s.data.series_per_target = 2;
  return fill(seed, 121, s);
}

TEST(topics_round_trip, a_missing_record_costs_no_wrong_value) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    const auto log = long_segments(seed);
    uint64_t recovered = 0;
    for (size_t missing = 0; missing < 120; missing += 19 + seed) {
      record_reader reader({});
      taken got;
      for (size_t i = 0; i < log.records.size(); ++i)
        if (i != missing) {
          ASSERT_TRUE(got.read(reader, log.records[i], static_cast<int64_t>(i)));
        }
      // The last record begins a segment: nothing waits any more.
      EXPECT_EQ(got.samples + got.lost + log.samples(missing), log.samples());
      got.content.missing_from(log.content());
      recovered += missing % 60 != 0 && got.lost == 0;
    }
    EXPECT_GT(recovered, 0u);
  }
}

TEST(topics_round_trip, records_that_come_twice_change_nothing) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto log = fill(seed, 4 * segment_records);
    seeded_random random(seed);
    record_reader reader({});
    taken got;
    for (size_t i = 0; i < log.records.size(); ++i) {
      ASSERT_TRUE(got.read(reader, log.records[i], static_cast<int64_t>(i)));
      if (random.below(3) != 0)
        continue;
      // A stretch is repeated, as after a writer that did not hear what became of it.
      for (size_t back = i - std::min<size_t>(i, random.below(2 * segment_records)); back <= i;
           ++back) {
        EXPECT_TRUE(i / segment_records - back / segment_records > 1 ||
                    reader.knows(log.records[back]));
        ASSERT_TRUE(got.read(reader, log.records[back], static_cast<int64_t>(back)));
      }
    }
    EXPECT_EQ(got.content, log.content());
  }
}

TEST(topics_round_trip, records_out_of_order_cost_no_wrong_value) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const auto log = fill(seed, 4 * segment_records + 1);
    seeded_random random(seed);
    std::vector<size_t> order(log.records.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    for (int swaps = 1 + static_cast<int>(random.below(8)); swaps > 0; --swaps)
      std::swap(order[random.below(order.size())], order[random.below(order.size())]);
    record_reader reader({});
    taken got;
    for (size_t i : order)
      ASSERT_TRUE(got.read(reader, log.records[i], static_cast<int64_t>(i)));
    got.content.missing_from(log.content());
    EXPECT_LE(got.samples, log.samples());
  }
}

TEST(topics_round_trip, writers_share_a_partition) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    random_writer::shape one, two;
    two.at = {.node = 8, .session = 100};  // what the first one has, too
    two.data.targets = 5;
    two.records = 9;
    random_writer first(seed, one), second(seed + 100, two);
    partition_log log;
    seeded_random random(seed);
    std::map<uint64_t, int64_t> keys;
    record_reader reader({});
    taken got;
    for (int64_t i = 0; i < 80; ++i) {
      log.add(random.below(2) ? first : second);
      ASSERT_TRUE(got.read(reader, log.records.back(), i));
      const auto header = split_record(log.records.back())->header;
      keys[header.node] = header.index == 0 ? i : header.key_offset;
      const auto oldest = std::min_element(keys.begin(), keys.end(),
                                           [](auto& a, auto& b) { return a.second < b.second; });
      ASSERT_EQ(*reader.key_offset(), oldest->second);
    }
    EXPECT_EQ(got.content, log.content());
    EXPECT_EQ(got.lost, 0u);
  }
}

TEST(topics_round_trip, a_session_replaces_the_one_before) {
  partition_log log;
  record_reader reader({});
  for (uint64_t session = 1; session <= 5; ++session) {
    taken got;
    random_writer::shape s;
    s.at.session = session;
    random_writer writer(session, s);
    const size_t first = log.records.size();
    for (uint64_t i = 0; i < 2 + 2 * session; ++i) {
      log.add(writer);
      ASSERT_TRUE(got.read(reader, log.records.back(), static_cast<int64_t>(first + i)));
    }
    EXPECT_GE(*reader.key_offset(), static_cast<int64_t>(first));
    // A record of the one before would have to be read from its first one on.
    if (session > 2) {
      EXPECT_FALSE(reader.knows(log.records[1]));
    }
    EXPECT_EQ(got.content, log.content(first));
    EXPECT_EQ(got.lost, 0u);
  }
}

// A session that took over sends again whatever was not confirmed to the one before.
TEST(topics_round_trip, what_an_earlier_session_sends_late_changes_nothing) {
  for (const size_t on_their_way : {1, 3, 6}) {  // the last one has the first record, too
    random_writer::shape s;
    s.records = 20;
    random_writer before(5, s);
    s.at.session = 101;
    random_writer after(5, s);
    record_reader reader({});
    taken got;
    partition_log log;
    std::vector<std::string> late;
    for (size_t i = 0; i < 6; ++i)
      if (i + on_their_way < 6)
        log.add(before);
      else
        late.push_back(before.next(static_cast<int64_t>(i)));
    for (const auto& r : late) {
      log.add(after);
      log.records.push_back(r);
      log.contents.emplace_back();
    }
    log.add(after);
    for (size_t i = 0; i < log.records.size(); ++i) {
      const auto offset = static_cast<int64_t>(i);
      EXPECT_TRUE(reader.knows(log.records[i], offset));
      ASSERT_TRUE(got.read(reader, log.records[i], offset));
    }
    EXPECT_EQ(got.content, log.content());
    EXPECT_EQ(got.lost, 0u);
    EXPECT_EQ(*reader.key_offset(), static_cast<int64_t>(6 - on_their_way));
  }
}

TEST(topics_round_trip, an_older_segment_can_be_read_again) {
  const auto log = fill(4, 3 * segment_records);
  record_reader reader({});
  taken got;
  for (size_t first : {2 * segment_records, segment_records, size_t{0}})
    for (size_t i = first; i < log.records.size(); ++i)
      ASSERT_TRUE(got.read(reader, log.records[i], static_cast<int64_t>(i)));
  EXPECT_EQ(got.content, log.content());
  EXPECT_EQ(got.lost, 0u);
}

TEST(topics_round_trip, a_record_without_samples_tells_the_time) {
  record_writer writer({.node = 1, .session = 1});
  record_reader reader({});
  for (int64_t i = 0; i < 3; ++i) {
    const auto got = reader.read(writer.take(0, 1000 * i), i);
    ASSERT_TRUE(got.ok());
    EXPECT_TRUE(got->batches.empty());
    EXPECT_EQ(got->header->as_of, 1000 * i);
    EXPECT_EQ(*reader.key_offset(), 0);
  }
}

}  // namespace
}  // namespace troupe::topics
