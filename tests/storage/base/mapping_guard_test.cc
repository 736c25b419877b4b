// Real files truncated under their mapping.
#include "storage/base/mapping_guard.h"

#include "storage/base/file_system.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace troupe {
namespace {

class mapped_files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "troupe_map_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { EXPECT_TRUE(fs_->remove_all(dir_).ok()); }
  /// A mapped file of `pages` pages of 'x'.
  std::unique_ptr<mapped_file> map(const std::string& name, size_t pages) {
    path_ = join_path(dir_, name);
    EXPECT_TRUE(write_file_atomically(*fs_, path_, std::string(pages * page_, 'x')).ok());
    auto mapped = fs_->map(path_);
    EXPECT_TRUE(mapped.ok());
    return std::move(*mapped);
  }

  std::unique_ptr<file_system> fs_ = make_posix_file_system();
  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::string dir_, path_;
};

char byte_at(const mapped_file& f, size_t at) {
  return static_cast<const volatile char*>(f.data().data())[at];
}

TEST_F(mapped_files, a_truncated_file_reads_as_zeros_and_says_so) {
  const auto cut = map("cut", 4);
  const auto other = map("other", 4);
  ASSERT_TRUE(fs_->truncate(join_path(dir_, "cut"), page_ + 10).ok());
  EXPECT_EQ(byte_at(*cut, page_ - 1), 'x');
  EXPECT_FALSE(cut->failed());
  EXPECT_EQ(byte_at(*cut, 3 * page_ + 5), '\0');
  EXPECT_TRUE(cut->failed());
  EXPECT_EQ(byte_at(*cut, 2 * page_), '\0');
  EXPECT_EQ(byte_at(*cut, 7), 'x') << "what is there stays there";
  EXPECT_EQ(byte_at(*other, 3 * page_), 'x');
  EXPECT_FALSE(other->failed());
}

TEST_F(mapped_files, a_place_in_the_list_starts_clean_again) {
  for (int round = 0; round < 3; ++round) {
    const auto mapped = map("again", 2);
    EXPECT_FALSE(mapped->failed());
    ASSERT_TRUE(fs_->truncate(path_, 0).ok());
    EXPECT_EQ(byte_at(*mapped, 0), '\0');
    EXPECT_TRUE(mapped->failed());
  }
}

TEST_F(mapped_files, many_threads_map_cut_and_read) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::string path = join_path(dir_, "t" + std::to_string(t));
      for (int i = 0; i < 200; ++i) {
        if (!write_file_atomically(*fs_, path, std::string(3 * page_, 'x')).ok())
          ++wrong;
        const auto mapped = fs_->map(path);
        const bool cut = (i + t) % 2 == 0;
        if (cut && !fs_->truncate(path, page_).ok())
          ++wrong;
        wrong += byte_at(**mapped, 2 * page_) != (cut ? '\0' : 'x');
        wrong += (*mapped)->failed() != cut;
      }
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(wrong.load(), 0);
}

// Installs the guard's handler, then breaks a mapping that is not guarded.
void fault_elsewhere(const std::string& path, size_t page) {
  const auto fs = make_posix_file_system();
  const auto guarded = fs->map(path);
  FILE* f = std::tmpfile();
  void* at = mmap(nullptr, page, PROT_READ, MAP_SHARED, fileno(f), 0);
  std::exit(static_cast<const volatile char*>(at)[0]);
}

TEST_F(mapped_files, other_faults_and_sent_signals_end_the_process_as_before) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  map("guarded", 1);
  EXPECT_EXIT(fault_elsewhere(path_, page_), testing::KilledBySignal(SIGBUS), "");
  const auto sent = [&] {
    const auto guarded = fs_->map(path_);
    raise(SIGBUS);
  };
  EXPECT_EXIT(sent(), testing::KilledBySignal(SIGBUS), "");
}

TEST_F(mapped_files, an_earlier_handler_is_asked) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // Not mapped here: the child must install its handler first.
  path_ = join_path(dir_, "guarded");
  ASSERT_TRUE(write_file_atomically(*fs_, path_, "x").ok());
  const auto run = [&] {
    struct sigaction mine {};
    mine.sa_handler = [](int) { _exit(42); };
    sigaction(SIGBUS, &mine, nullptr);
    fault_elsewhere(path_, page_);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace troupe
