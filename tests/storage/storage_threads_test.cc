// Writers, readers and maintenance at the same time: a query that starts after a commit finds every
// sample of it, whatever moves from head to block meanwhile. Meant for the thread sanitizer too.
#include "storage/model/slot.h"
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace troupe::storage {
namespace {

constexpr int series_count = 12;
constexpr int rounds = 600;

labels series_number(int n) {
  return labels::from({{"__name__", "m"}, {"instance", "host:" + std::to_string(n)}, {"job", "j"}});
}

timestamp_ms time_of(timestamp_ms start, int round) {
  return start + round * 1000;
}

// Round i of a series is there for every acked i, with the value i.
void check_content(test_node& node, timestamp_ms start, int acked, std::atomic<int>& queries) {
  auto q = node.store->reader().open("", min_time, max_time);
  ASSERT_TRUE(q.ok());
  const matchers ms{matcher::equal("job", "j")};
  auto set = (*q)->select({}, ms);
  ASSERT_TRUE(set.ok());
  int seen = 0;
  while ((*set)->next()) {
    sample_columns c;
    ASSERT_TRUE((*set)->read(min_time, max_time, c).ok());
    ASSERT_GE(c.ts.size(), static_cast<size_t>(acked));
    for (size_t i = 0; i < c.ts.size(); ++i) {
      ASSERT_EQ(c.ts[i], time_of(start, static_cast<int>(i)));
      ASSERT_EQ(c.values[i], static_cast<double>(i));
    }
    ++seen;
  }
  if (acked > 0) {
    ASSERT_EQ(seen, series_count);
  }
  ++queries;
}

TEST(storage_threads, readers_writers_and_maintenance) {
  test_node node;
  node.opts.min_block_ms = 20'000;
  node.opts.max_block_ms = 180'000;
  node.start();
  const timestamp_ms start = node.clk.now_ms();
  std::vector<std::vector<labels>> by_shard(node.store->shard_count());
  for (int n = 0; n < series_count; ++n)
    by_shard[node.store->shard_of(slot_of("", series_number(n)))].push_back(series_number(n));
  std::vector<std::atomic<int>> acked(by_shard.size());
  std::atomic<bool> stop{false};
  std::atomic<int> queries{0};

  std::vector<std::thread> threads;
  for (uint32_t shard = 0; shard < by_shard.size(); ++shard)
    threads.emplace_back([&, shard] {
      for (int i = 0; i < rounds && !testing::Test::HasFailure(); ++i) {
        test_samples samples;
        for (const auto& s : by_shard[shard])
          samples.push_back(make_sample(s, time_of(start, i), i));
        if (!samples.empty()) {
          ASSERT_TRUE(node.store->appender(shard).append(make_batch(samples)).ok());
          ASSERT_TRUE(node.store->appender(shard).commit().ok());
        }
        acked[shard] = i + 1;
        node.clk.advance_ms(500);
      }
    });
  std::vector<std::thread> others;
  for (int r = 0; r < 2; ++r)
    others.emplace_back([&] {
      while (!stop && !testing::Test::HasFailure())
        check_content(node, start, std::min(acked[0].load(), acked[1].load()), queries);
    });
  others.emplace_back([&] {
    const std::vector<matchers> nothing{{matcher::equal("job", "nobody")}};
    for (int i = 0; !stop && !testing::Test::HasFailure(); ++i) {
      ASSERT_TRUE(node.store->maintain(0).ok());
      if (i % 50 == 49) {
        EXPECT_TRUE(node.store->delete_series("", 0, max_time, nothing).ok());
      }
      node.store->stats(5);
    }
  });
  for (auto& t : threads)
    t.join();
  stop = true;
  for (auto& t : others)
    t.join();
  EXPECT_GT(queries.load(), 5);
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_GT(node.store->blocks().size(), 1u);
  check_content(node, start, rounds, queries);
}

}  // namespace
}  // namespace troupe::storage
