// Logs of format version 1 stay readable for ever: testdata/v1 was written by the first version and
// is never changed.
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace troupe::storage {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(wal_format_v1, is_read_as_it_was_written) {
  std::filesystem::path dir =
      std::filesystem::path(TROUPE_SOURCE_DIR) / "tests/storage/wal/testdata/v1";
  log_fixture log;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".txt")
      continue;
    log.fs.put("data/wal/" + entry.path().filename().string(), content_of(entry.path()));
    ++files;
  }
  ASSERT_EQ(files, 5u);
  log.reopen_and_replay();
  EXPECT_TRUE(log.report.clean());
  text_sink text;
  auto reader = wal_reader::open_replay(*log.dir, 0);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->step(text, 1 << 30).ok());
  EXPECT_EQ(text.lines, content_of(dir / "expected.txt"));
}

}  // namespace
}  // namespace troupe::storage
