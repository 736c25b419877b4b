// head_chunk, chunk_store.
#include "storage/head/chunk_store.h"

#include "storage/chunk/chunk.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

// A chunk of one sample; its position.
chunk_position put(chunk_store& store, timestamp_ms ts, uint32_t cut, chunk_position previous) {
  const std::vector<timestamp_ms> times{ts};
  const std::vector<double> values{static_cast<double>(ts)};
  const std::string bytes = encode_chunk(times, values);
  store.make_room(bytes.size() + 80);
  stored_chunk c;
  c.position = store.next();
  c.previous = previous;
  c.min_ts = c.max_ts = ts;
  c.cut = cut;
  c.samples = 1;
  store.write(pack_chunk(c, 0, bytes));
  store.note(cut, ts);
  return c.position;
}

std::vector<timestamp_ms> times_of(const chunk_view& view, chunk_position newest) {
  std::vector<timestamp_ms> out;
  EXPECT_TRUE(view.for_each(newest, [&](const stored_chunk& c) { out.push_back(c.min_ts); }).ok());
  return out;
}

TEST(chunk_store, links_lead_from_new_to_old_across_regions) {
  chunk_store store(64 << 10);
  chunk_position last = 0;
  for (timestamp_ms ts = 0; ts < 20'000; ++ts)
    last = put(store, ts, 0, last);
  EXPECT_GT(store.view()->regions.size(), 3u);
  const auto got = times_of(*store.view(), last);
  ASSERT_EQ(got.size(), 20'000u);
  EXPECT_EQ(got.front(), 19'999);
  EXPECT_EQ(got.back(), 0);
}

TEST(chunk_store, a_released_cut_is_hidden_and_its_regions_go) {
  chunk_store store(64 << 10);
  chunk_position last = 0;
  for (timestamp_ms ts = 0; ts < 10'000; ++ts)
    last = put(store, ts, 0, last);
  store.begin_cut(9'000);
  // A late one, and one that comes after the series was sealed.
  last = put(store, 500, 1, last);
  last = put(store, 10'001, 1, last);
  size_t set_aside = 0;
  const chunk_view_ptr before = store.view();
  ASSERT_TRUE(
      before->for_each(last, [&](const stored_chunk& c) { set_aside += before->is_set_aside(c); })
          .ok());
  EXPECT_EQ(set_aside, 9'000u);
  EXPECT_EQ(times_of(*before, last).size(), 10'002u);
  const size_t bytes = store.memory_bytes();
  store.release_cut();
  EXPECT_LT(store.memory_bytes(), bytes / 2);
  const auto left = times_of(*store.view(), last);
  ASSERT_EQ(left.size(), 1'002u);
  EXPECT_EQ(left[0], 10'001);
  EXPECT_EQ(left[1], 500);
  EXPECT_EQ(left.back(), 9'000);
  // Who looked before goes on.
  EXPECT_EQ(times_of(*before, last).size(), 10'002u);
  // The next cut takes the late one too.
  store.begin_cut(20'000);
  store.release_cut();
  EXPECT_TRUE(times_of(*store.view(), last).empty());
  EXPECT_EQ(store.memory_bytes(), 0u);
  EXPECT_GT(put(store, 30'000, 2, last), last);
}

// Regions in files read like those in memory; their files go with them.
TEST(chunk_store, full_regions_move_to_files) {
  support::sim_file_system fs(1);
  chunk_folder folder(fs, "chunks", 3);
  ASSERT_TRUE(fs.create_directories("chunks").ok());
  fs.put("chunks/00003-0000000000000abc", "of an earlier run");
  fs.put("chunks/00004-0000000000000abc", "of another shard");
  ASSERT_TRUE(folder.clear().ok());
  EXPECT_EQ(fs.files("chunks").size(), 1u);
  chunk_store store(1024);
  chunk_position last = 0;
  for (timestamp_ms ts = 0; ts < 2'000; ++ts)
    last = put(store, ts, 0, last);
  const auto want = times_of(*store.view(), last);
  const size_t bytes = store.memory_bytes();
  for (const auto& r : store.full_regions()) {
    auto file = folder.write(r->begin, r->bytes().substr(0, r->used));
    ASSERT_TRUE(file.ok()) << file.error().message();
    EXPECT_TRUE(store.move_to(r->begin, std::move(*file)));
  }
  EXPECT_TRUE(store.full_regions().empty());
  EXPECT_LT(store.memory_bytes(), bytes / 10);
  EXPECT_EQ(times_of(*store.view(), last), want);
  const size_t files = fs.files("chunks").size();
  EXPECT_EQ(files, store.view()->regions.size());  // the other shard's for the last one
  store.begin_cut(1'000);
  store.release_cut();
  const auto gone = store.take_given_up();
  EXPECT_GT(gone.size(), 3u);
  EXPECT_TRUE(store.take_given_up().empty());
  for (const chunk_position begin : gone)
    ASSERT_TRUE(folder.remove(begin).ok());
  EXPECT_EQ(fs.files("chunks").size(), files - gone.size());
  EXPECT_FALSE(store.move_to(gone.front(), nullptr));
  EXPECT_EQ(times_of(*store.view(), last).size(), 1'000u);
}

// A file that cannot be written, or does not read as it was written, is no file.
TEST(chunk_store, a_failing_file_is_an_error) {
  const std::string bytes(3000, 'x');
  for (const errc code : {errc::no_space, errc::io_error}) {
    uint64_t n = 1;
    for (bool struck = true; struck; ++n) {
      support::sim_file_system fs(1);
      chunk_folder folder(fs, "chunks", 0);
      ASSERT_TRUE(folder.clear().ok());
      fs.fail_nth(n, code, false, support::op_append | support::op_create | support::op_read);
      const auto file = folder.write(77, bytes);
      struck = fs.fault_struck();
      EXPECT_EQ(file.ok(), !struck);
      if (struck) {
        EXPECT_TRUE(fs.files("chunks").empty());
      } else {
        EXPECT_EQ((*file)->bytes(), bytes);
      }
    }
    EXPECT_GE(n, 4u);
  }
}

TEST(head_chunk, shares_a_column_of_times) {
  std::vector<timestamp_ms> ts;
  std::vector<double> values;
  for (int i = 0; i < 100; ++i)
    ts.push_back(1'000'000 + i * 15'000 + i % 3);
  for (int i = 0; i < 40; ++i)
    values.push_back(i * 0.5);
  const std::string column = pack_times(ts);
  stored_chunk c;
  c.position = 7 + column.size();
  c.previous = 3;
  c.min_ts = ts[10];
  c.max_ts = ts[49];
  c.cut = 300;
  c.samples = 40;
  c.first_row = 10;
  const std::string bytes = column + pack_chunk(c, 7, pack_values(values));
  stored_chunk got;
  ASSERT_TRUE(parse_chunk(bytes, 7, c.position, got));
  EXPECT_EQ(got.previous, 3u);
  EXPECT_EQ(got.min_ts, ts[10]);
  EXPECT_EQ(got.max_ts, ts[49]);
  EXPECT_EQ(got.cut, 300u);
  sample_columns out;
  ASSERT_TRUE(decode_stored_chunk(got, ts[12], ts[20], out).ok());
  EXPECT_EQ(out.ts, std::vector(ts.begin() + 12, ts.begin() + 21));
  EXPECT_EQ(out.values, std::vector(values.begin() + 2, values.begin() + 11));
}

// Any one damaged bit is noticed.
TEST(head_chunk, damage_is_an_error) {
  std::vector<timestamp_ms> ts;
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) {
    ts.push_back(i * 15'000);
    values.push_back(i % 7);
  }
  const std::string column = pack_times(ts);
  stored_chunk c;
  c.position = 1 + column.size();
  c.max_ts = ts.back();
  c.samples = 20;
  const std::string good = column + pack_chunk(c, 1, pack_values(values));
  stored_chunk got;
  ASSERT_TRUE(parse_chunk(good, 1, c.position, got));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(parse_chunk(bad, 1, c.position, got)) << bit;
  }
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(parse_chunk(std::string_view(good).substr(0, n), 1, c.position, got)) << n;
  EXPECT_FALSE(parse_chunk(good, 1, good.size() + 1, got));
  EXPECT_FALSE(parse_chunk(good, 1, 0, got));
}

}  // namespace
}  // namespace troupe::storage
