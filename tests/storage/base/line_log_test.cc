#include "storage/base/line_log.h"

#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

class LineLogTest : public ::testing::Test {
 protected:
  LineLogTest() { EXPECT_TRUE(fs.create_directories("/log").ok()); }
  std::string content(const std::string& path) { return read_file(fs, path).value_or("(none)"); }
  double dropped() {
    return metrics.get_counter("troupe_log_file_lines_dropped_total", "").value();
  }
  double failed() { return metrics.get_counter("troupe_log_file_write_errors_total", "").value(); }

  support::sim_file_system fs{1};
  registry metrics;
  line_log lines{fs, metrics, 100};
};

TEST_F(LineLogTest, WritesAtFlushInOrderAndAppends) {
  ASSERT_TRUE(write_file_atomically(fs, "/log/a", "old\n").ok());
  EXPECT_FALSE(lines.active());
  ASSERT_TRUE(lines.open({"/log/a", "/log/b"}).ok());
  EXPECT_TRUE(lines.active());
  lines.add("/log/a", "1");
  lines.add("/log/b", "2");
  lines.add("/log/a", "3");
  EXPECT_EQ(content("/log/a"), "old\n");
  lines.flush();
  EXPECT_EQ(content("/log/a"), "old\n1\n3\n");
  EXPECT_EQ(content("/log/b"), "2\n");
  EXPECT_EQ(dropped(), 0);
}

TEST_F(LineLogTest, OpenTakesRenamedFilesAnewAndEndsOthers) {
  ASSERT_TRUE(lines.open({"/log/a", "/log/b"}).ok());
  lines.add("/log/a", "before");
  ASSERT_TRUE(fs.rename("/log/a", "/log/a.1").ok());
  ASSERT_TRUE(lines.open({"/log/a"}).ok());
  lines.add("/log/a", "after");
  lines.add("/log/b", "closed");
  lines.flush();
  EXPECT_EQ(content("/log/a.1"), "before\n");
  EXPECT_EQ(content("/log/a"), "after\n");
  EXPECT_EQ(content("/log/b"), "");
  EXPECT_EQ(dropped(), 1);
  ASSERT_TRUE(lines.open({}).ok());
  EXPECT_FALSE(lines.active());
}

TEST_F(LineLogTest, AFileThatCannotBeOpenedChangesNothing) {
  ASSERT_TRUE(lines.open({"/log/a"}).ok());
  const status s = lines.open({"/log/b", "/none/c"});
  EXPECT_FALSE(s.ok());
  EXPECT_NE(s.message().find("/none/c"), std::string::npos) << s.message();
  lines.add("/log/a", "still");
  lines.flush();
  EXPECT_EQ(content("/log/a"), "still\n");
}

TEST_F(LineLogTest, WhatDoesNotFitIsDroppedAndCounted) {
  ASSERT_TRUE(lines.open({"/log/a"}).ok());
  lines.add("/log/a", std::string(60, 'x'));
  lines.add("/log/a", std::string(60, 'y'));
  lines.add("/log/a", "z");
  lines.flush();
  EXPECT_EQ(content("/log/a"), std::string(60, 'x') + "\nz\n");
  EXPECT_EQ(dropped(), 1);
  lines.add("/log/a", std::string(60, 'y'));
  lines.flush();
  EXPECT_EQ(dropped(), 1) << "the queue is empty after a flush";
}

TEST_F(LineLogTest, AFullDiskLosesLinesAndIsGotOver) {
  ASSERT_TRUE(lines.open({"/log/a", "/log/b"}).ok());
  fs.fail_only_on("/log/a");
  fs.fail_nth(1, errc::no_space, true, support::op_append);
  lines.add("/log/a", "lost");
  lines.add("/log/b", "kept");
  lines.flush();
  lines.add("/log/a", "lost, too");
  lines.flush();
  EXPECT_EQ(dropped(), 2);
  EXPECT_EQ(failed(), 2);
  EXPECT_EQ(content("/log/b"), "kept\n");
  fs.clear_faults();
  lines.add("/log/a", "found");
  lines.flush();
  EXPECT_TRUE(content("/log/a").ends_with("\nfound\n")) << "a line of its own";
  EXPECT_EQ(failed(), 2);
}

}  // namespace
}  // namespace troupe
