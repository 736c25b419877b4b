#include "storage/base/file_system.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace troupe {
namespace {

class posix_files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "troupe_fs_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { EXPECT_TRUE(fs_->remove_all(dir_).ok()); }
  std::string path(std::string_view name) const { return join_path(dir_, name); }
  void write(std::string_view name, std::string_view content) {
    auto f = fs_->create(path(name));
    ASSERT_TRUE(f.ok());
    ASSERT_TRUE((*f)->append(content).ok());
    ASSERT_TRUE((*f)->close().ok());
  }

  std::unique_ptr<file_system> fs_ = make_posix_file_system();
  std::string dir_;
};

TEST_F(posix_files, appends_reserves_and_reads) {
  auto f = fs_->create(path("a"));
  ASSERT_TRUE(f.ok());
  ASSERT_TRUE((*f)->reserve(1 << 16).ok());
  ASSERT_TRUE((*f)->append("hello ").ok());
  ASSERT_TRUE((*f)->sync().ok());
  ASSERT_TRUE((*f)->close().ok());
  EXPECT_EQ((*f)->size(), 6u);
  EXPECT_EQ(*read_file(*fs_, path("a")), "hello " + std::string((1 << 16) - 6, '\0'));
  ASSERT_TRUE(fs_->truncate(path("a"), 6).ok());
  auto again = fs_->open_append(path("a"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->size(), 6u);
  ASSERT_TRUE((*again)->append("world").ok());
  EXPECT_EQ(*read_file(*fs_, path("a")), "hello world");
  EXPECT_EQ(read_file(*fs_, path("a"), 5).code(), errc::resource_exhausted);

  auto r = fs_->open_read(path("a"));
  ASSERT_TRUE(r.ok());
  std::string out;
  ASSERT_TRUE((*r)->read(6, 100, out).ok());
  EXPECT_EQ(out, "world");
  ASSERT_TRUE((*r)->read(100, 10, out).ok());
  EXPECT_EQ(out, "");
  auto m = fs_->map(path("a"));
  ASSERT_TRUE(m.ok());
  EXPECT_EQ((*m)->data(), "hello world");
  ASSERT_TRUE(fs_->truncate(path("a"), 5).ok());
  EXPECT_EQ(*read_file(*fs_, path("a")), "hello");
}

// As a log rotation does that copies a file and empties it (logrotate's copytruncate).
TEST_F(posix_files, appends_go_to_the_end_that_others_have_moved) {
  auto f = fs_->open_append(path("a"));
  ASSERT_TRUE(f.ok());
  ASSERT_TRUE((*f)->append("one\n").ok());
  ASSERT_TRUE(fs_->truncate(path("a"), 0).ok());
  ASSERT_TRUE((*f)->append("two\n").ok());
  EXPECT_EQ(*read_file(*fs_, path("a")), "two\n");
  EXPECT_EQ((*f)->reserve(100).code(), errc::unsupported);
  EXPECT_EQ(*read_file(*fs_, path("a")), "two\n");
}

TEST_F(posix_files, lists_sorted_and_measures_trees) {
  ASSERT_TRUE(fs_->create_directories(path("d/e")).ok());
  ASSERT_TRUE(fs_->create_directories(path("d/e")).ok());
  write("d/b", "12345");
  write("d/a", "1");
  write("d/e/c", "123");
  const auto entries = fs_->list(path("d"));
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_TRUE((*entries)[2].is_directory);
  EXPECT_EQ(*fs_->tree_size(path("d")), 9u);
  ASSERT_TRUE(fs_->link_or_copy(path("d/b"), path("d/e/b")).ok());
  EXPECT_EQ(*read_file(*fs_, path("d/e/b")), "12345");
  ASSERT_TRUE(fs_->remove_all(path("d")).ok());
  ASSERT_TRUE(fs_->remove_all(path("d")).ok());
  EXPECT_FALSE(fs_->exists(path("d")));
}

TEST_F(posix_files, errors_carry_code_and_path) {
  EXPECT_EQ(fs_->open_read(path("no")).code(), errc::not_found);
  EXPECT_EQ(fs_->create(path("no/x")).code(), errc::not_found);
  EXPECT_EQ(fs_->remove_file(path("no")).code(), errc::not_found);
  EXPECT_EQ(fs_->list(path("no")).code(), errc::not_found);
  EXPECT_NE(fs_->map(path("no")).error().message().find(path("no")), std::string::npos);
  EXPECT_EQ(fs_->create(dir_).code(), errc::io_error);
  EXPECT_EQ(fs_->create("/dev/full").ok(), true);
  EXPECT_EQ((*fs_->open_append("/dev/full"))->append("x").code(), errc::no_space);
}

TEST_F(posix_files, atomic_write_replaces_or_leaves) {
  ASSERT_TRUE(write_file_atomically(*fs_, path("m"), "one").ok());
  ASSERT_TRUE(write_file_atomically(*fs_, path("m"), "two").ok());
  EXPECT_EQ(*read_file(*fs_, path("m")), "two");
  EXPECT_FALSE(fs_->exists(path("m.tmp")));
  ASSERT_TRUE(fs_->create_directories(path("dir/x")).ok());
  EXPECT_FALSE(write_file_atomically(*fs_, path("dir"), "x").ok());
  EXPECT_FALSE(fs_->exists(path("dir.tmp")));
}

TEST_F(posix_files, lock_excludes_until_released) {
  auto first = fs_->lock(path("lock"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(fs_->lock(path("lock")).code(), errc::already_exists);
  EXPECT_FALSE(read_file(*fs_, path("lock"))->empty());
  first->reset();
  EXPECT_TRUE(fs_->lock(path("lock")).ok());
}

}  // namespace
}  // namespace troupe
