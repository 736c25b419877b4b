// The file of offsets: what is written is read, and anything else is noticed.
#include "pipeline/topics/offsets.h"

#include "storage/base/random.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::topics {
namespace {

consume_offsets example() {
  consume_offsets all;
  all.kafka = "main";
  all.topic = "metrics";
  all.began_with = 3;
  all.totals = {1, 200, 3000, 4, 5};
  auto& first = all.partitions[0].live;
  first.next = 1'000'000;
  first.key = 999'000;
  first.last = record_stamp{999'999, 1'700'000'000'000};
  first.writers = {{1, 1'700'000'000'000, 1'700'000'000'100}, {~0ull, min_time, -1}};
  auto& second = all.partitions[7];
  second.live.next = 500;
  second.backlog.emplace();
  second.backlog->next = 20;
  second.backlog->end = 400;
  second.backlog->stored = {{30, 40}, {50, 400}};
  all.partitions[4'000'000'000] = {};
  return all;
}

TEST(Offsets, AreReadAsTheyWereWritten) {
  for (const auto& all : {consume_offsets(), example()}) {
    const auto got = decode_offsets(encode(all));
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(*got, all);
  }
}

TEST(Offsets, DamageIsNoticed) {
  const auto bytes = encode(example());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(decode_offsets(bytes.substr(0, i)).code(), errc::corruption);
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_EQ(decode_offsets(damaged).code(), errc::corruption);
    }
  }
  EXPECT_EQ(decode_offsets(bytes + "x").code(), errc::corruption);
}

TEST(Offsets, WhatMakesNoSenseIsRefused) {
  const auto refused = [](auto change) {
    auto all = example();
    change(all);
    return decode_offsets(encode(all)).code() == errc::corruption;
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[0].live.next = -1; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[0].live.end = 2'000'000; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[0].live.key = 1'000'000; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[0].live.last->offset = 1'000'000; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[7].backlog->end.reset(); }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[7].backlog->end = 501; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[7].backlog->stored = {{20, 30}}; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[7].backlog->stored = {{30, 30}}; }));
  EXPECT_TRUE(refused([](auto& a) { a.partitions[7].backlog->stored = {{30, 401}}; }));
  EXPECT_TRUE(refused([](auto& a) {
    std::swap(a.partitions[0].live.writers[0], a.partitions[0].live.writers[1]);
  }));
}

TEST(Offsets, AFileIsReplacedAsAWhole) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("d").ok());
  EXPECT_FALSE(load_offsets(fs, "d/a")->has_value());
  ASSERT_TRUE(store_offsets(fs, "d/a", example()).ok());
  fs.crash();
  EXPECT_EQ(**load_offsets(fs, "d/a"), example());
  fs.cut("d/a", 20);
  EXPECT_EQ(load_offsets(fs, "d/a").code(), errc::corruption);
  fs.fail_nth(1, errc::io_error, true, support::op_read);
  EXPECT_EQ(load_offsets(fs, "d/a").code(), errc::io_error);
}

}  // namespace
}  // namespace troupe::topics
