// snapshot_file, and the parts of head_snapshot that need no head.
#include "storage/head/snapshot_file.h"

#include "storage/head/head_snapshot.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <vector>

namespace troupe::storage {
namespace {

constexpr char path[] = "chunks/00000.snapshot";
using frames = std::vector<std::pair<snapshot_frame, std::string>>;

void write(file_system& fs, const frames& content) {
  auto file = snapshot_writer::create(fs, path);
  ASSERT_TRUE(file.ok());
  for (const auto& [kind, bytes] : content)
    ASSERT_TRUE((*file)->put(kind, bytes).ok());
  ASSERT_TRUE((*file)->finish().ok());
}

frames read(file_system& fs) {
  frames out;
  const auto file = snapshot_reader::open(fs, path);
  EXPECT_TRUE(file.ok());
  snapshot_frame kind;
  std::string_view content;
  while (file.ok() && (*file)->next(kind, content))
    out.emplace_back(kind, content);
  return out;
}

TEST(snapshot_file, gives_back_its_frames) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("chunks").ok());
  const frames content{{snapshot_frame::header, "first"},
                       {snapshot_frame::series, std::string(3 << 20, 's')},
                       {snapshot_frame::metadata, ""}};
  write(fs, content);
  EXPECT_EQ(read(fs), content);
  EXPECT_EQ(*snapshot_reader::first(fs, path), "first");
  fs.crash();
  EXPECT_EQ(read(fs), content) << "durable";
  write(fs, {{snapshot_frame::header, "second"}});
  EXPECT_EQ(*snapshot_reader::first(fs, path), "second");
}

TEST(snapshot_file, one_that_is_not_finished_leaves_nothing) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("chunks").ok());
  write(fs, {{snapshot_frame::header, "old"}});
  {
    auto file = snapshot_writer::create(fs, path);
    ASSERT_TRUE((*file)->put(snapshot_frame::header, std::string(2 << 20, 'x')).ok());
  }
  EXPECT_EQ(*snapshot_reader::first(fs, path), "old");
  EXPECT_EQ(fs.files("chunks").size(), 1u);
}

TEST(snapshot_file, frames_count_in_their_place_only) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("chunks").ok());
  const auto frame = [](snapshot_frame kind, std::string_view content, uint32_t& checksum) {
    std::string out;
    put_snapshot_frame(kind, content, checksum, out);
    return out;
  };
  uint32_t sum = 0;
  const std::string header = frame(snapshot_frame::header, "h", sum);
  const std::string one = frame(snapshot_frame::series, "1", sum);
  const std::string two = frame(snapshot_frame::series, "2", sum);
  const std::string end = frame(snapshot_frame::end, "", sum);
  const auto opens = [&](const std::string& bytes) {
    fs.put(path, bytes);
    return snapshot_reader::open(fs, path).ok();
  };
  EXPECT_TRUE(opens(header + one + two + end));
  EXPECT_FALSE(opens(header + two + one + end));
  EXPECT_FALSE(opens(header + one + end));
  EXPECT_FALSE(opens(header + one + two));
  EXPECT_FALSE(opens(header + one + two + end + end));
  EXPECT_FALSE(opens(""));
  fs.put(path, one);
  EXPECT_EQ(snapshot_reader::first(fs, path).code(), errc::corruption);
}

TEST(head_snapshot, header_and_chunks_come_back) {
  const snapshot_header h{3, 7, 7'200'000, {11, 5, 4, 1234}, -5, 99};
  std::string bytes;
  put_snapshot_header(h, bytes);
  snapshot_header got;
  ASSERT_TRUE(read_snapshot_header(bytes, got));
  EXPECT_EQ(got.shard, 3u);
  EXPECT_EQ(got.shards, 7u);
  EXPECT_EQ(got.range_ms, 7'200'000);
  EXPECT_EQ(got.from.epoch, 11u);
  EXPECT_EQ(got.from.segment, 5u);
  EXPECT_EQ(got.from.series_number, 4u);
  EXPECT_EQ(got.from.series_length, 1234u);
  EXPECT_EQ(got.oldest, -5);
  EXPECT_EQ(got.newest, 99);
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(read_snapshot_header(bytes.substr(0, n), got));
  bytes[8] = 2;  // version
  EXPECT_FALSE(read_snapshot_header(bytes, got));

  saved_chunks c;
  c.cut = 2;
  c.bound = 1000;
  c.next = 400;
  c.regions.resize(2);
  c.regions[0].begin = 1;
  c.regions[0].capacity = c.regions[0].used = 99;
  c.regions[0].in_file = true;
  c.regions[0].checksum = 77;
  c.regions[1].begin = 100;
  c.regions[1].capacity = 300;
  c.regions[1].used = 3;
  c.regions[1].bytes = "abc";
  bytes.clear();
  put_saved_chunks(c, bytes);
  saved_chunks again;
  ASSERT_TRUE(read_saved_chunks(bytes, again));
  ASSERT_EQ(again.regions.size(), 2u);
  EXPECT_EQ(again.regions[0].checksum, 77u);
  EXPECT_EQ(again.regions[1].bytes, "abc");
  EXPECT_EQ(again.next, 400u);
  saved_chunks bad;
  EXPECT_FALSE(read_saved_chunks(bytes.substr(0, bytes.size() - 1), bad));
  c.regions[1].begin = 50;  // overlaps
  bytes.clear();
  put_saved_chunks(c, bytes);
  saved_chunks overlapping;
  EXPECT_FALSE(read_saved_chunks(bytes, overlapping));
}

}  // namespace
}  // namespace troupe::storage
