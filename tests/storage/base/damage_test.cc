#include "storage/base/damage.h"

#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(quarantine, lists_files_and_folders_with_their_notes) {
  support::sim_file_system fs(1);
  EXPECT_TRUE(list_quarantine(fs, "q").empty());
  ASSERT_TRUE(fs.create_directories("q/block").ok());
  fs.put("q/block/chunks", "12345");
  fs.put("q/block/index", "678");
  fs.put("q/piece.bad", "9");
  ASSERT_TRUE(note_quarantine(fs, "q/block", 1234, "index: bad\nchecksum").ok());
  ASSERT_TRUE(note_quarantine(fs, "q/piece.bad", 5, "bad_frame").ok());
  const auto items = list_quarantine(fs, "q");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].path, "q/block");
  EXPECT_EQ(items[0].bytes, 8u);
  EXPECT_EQ(items[0].time_ms, 1234);
  EXPECT_EQ(items[0].reason, "index: bad\nchecksum");
  EXPECT_EQ(items[1].bytes, 1u);
  EXPECT_EQ(items[1].reason, "bad_frame");
}

TEST(quarantine, a_lost_or_broken_note_hides_nothing) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("q").ok());
  fs.put("q/a", "123");
  for (const char* note :
       {"", "x reason\n", "99999999999999999999999 r\n", "12", "12 cut of", "12reason\n"}) {
    fs.put("q/a.why", note);
    const auto items = list_quarantine(fs, "q");
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0].reason, "unknown") << note;
    EXPECT_EQ(items[0].time_ms, 0) << note;
    EXPECT_EQ(items[0].bytes, 3u);
  }
  ASSERT_TRUE(fs.remove_file("q/a.why").ok());
  EXPECT_EQ(list_quarantine(fs, "q").at(0).reason, "unknown");
}

}  // namespace
}  // namespace troupe
