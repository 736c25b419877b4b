// `verify`: a healthy folder has no damage, and any flipped byte of any file is found or harmless.
#include "storage/offline/folder_check.h"

#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

class folder_check : public ::testing::Test {
 protected:
  folder_check() {
    node_.opts.min_block_ms = 7'200'000;
    node_.opts.max_block_ms = 72'000'000;
    node_.opts.head_region_bytes = 64;
    node_.start();
    begin_ = node_.clk.now_ms() / 7'200'000 * 7'200'000;
    write(0, 320);
    EXPECT_TRUE(node_.maintain().ok());
    // Behind the cut: new chunks in the head's files.
    write(320, 200);
    EXPECT_TRUE(node_.maintain().ok());
  }
  void write(int from, int count) {
    for (int i = from; i < from + count; ++i) {
      test_samples samples;
      for (int n = 0; n < 3; ++n)
        samples.push_back(make_sample(labels::from({{"__name__", "m"}, {"n", std::to_string(n)}}),
                                      begin_ + i * 60'000, i / (n + 0.3)));
      node_.write(samples);
      node_.clk.advance_ms(60'000);
    }
  }
  check_report check() {
    auto r = check_folder(node_.fs, "data", {});
    EXPECT_TRUE(r.ok()) << r.error().message();
    return r.ok() ? *r : check_report();
  }
  void flip_some(const std::string& dir, size_t step, bool always_found) {
    for (const auto& name : node_.fs.files(dir)) {
      const std::string path = name.starts_with(dir) ? name : dir + "/" + name;
      const size_t size = node_.fs.content(path).size();
      for (size_t at = 0; at < size; at += step) {
        node_.fs.flip_bit(path, at, at % 8);
        const auto r = check();
        if (always_found)
          EXPECT_GT(r.damages, 0u) << path << " " << at;
        else
          found_ += r.damages > 0 ? 1 : 0;
        for (const auto& p : r.places)
          EXPECT_TRUE(p.file.starts_with("data/")) << p.file;
        node_.fs.flip_bit(path, at, at % 8);
      }
    }
  }

  test_node node_;
  timestamp_ms begin_ = 0;
  size_t found_ = 0;
};

TEST_F(folder_check, healthy_folder_has_none) {
  node_.kill();
  ASSERT_TRUE(node_.fs.exists("data/head_chunks/00000.snapshot"));
  const auto r = check();
  EXPECT_EQ(r.damages, 0u) << r.places.at(0).file << r.places.at(0).reason;
  EXPECT_GT(r.blocks, 0u);
  EXPECT_GT(r.log_files, 0u);
  EXPECT_GT(r.log_frames, 100u);
  EXPECT_GT(r.head_files, 0u);
  EXPECT_GT(r.block_bytes, 0u);
}

TEST_F(folder_check, any_flipped_byte_of_a_block_is_found) {
  node_.stop();
  flip_some("data/blocks", 13, true);
}

TEST_F(folder_check, any_flipped_byte_of_the_heads_files_is_found) {
  node_.kill();
  flip_some("data/head_chunks", 5, true);
}

TEST_F(folder_check, flipped_bytes_of_the_log_are_found_but_for_a_torn_end) {
  node_.stop();
  flip_some("data/wal", 61, false);
  EXPECT_GT(found_, 50u);
}

TEST_F(folder_check, torn_end_is_no_damage) {
  write(520, 5);  // a segment begins with each snapshot: something behind the last one
  node_.kill();
  std::string last;
  for (const auto& name : node_.fs.files("data/wal"))
    if (name.ends_with(".wal"))
      last = name.starts_with("data") ? name : "data/wal/" + name;
  const size_t end = node_.fs.content(last).find_last_not_of('\0') + 1;  // reserved space behind
  node_.fs.cut(last, end - 3);
  const auto r = check();
  EXPECT_EQ(r.damages, 0u);
  EXPECT_GT(r.torn_tails, 0u);
}

TEST_F(folder_check, description_and_lock) {
  EXPECT_EQ(check_folder(node_.fs, "data", {}).code(), errc::already_exists);
  node_.stop();
  node_.fs.flip_bit("data/troupe.meta", 30, 1);
  const auto r = check();
  ASSERT_EQ(r.damages, 1u);
  EXPECT_EQ(r.places[0].file, "data/troupe.meta");
  EXPECT_EQ(check_folder(node_.fs, "none", {}).code(), errc::not_found);
}

}  // namespace
}  // namespace troupe::storage
