#include "config/checksum.h"

#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <set>

namespace troupe::config {
namespace {

class ChecksumTest : public ::testing::Test {
 protected:
  ChecksumTest() {
    EXPECT_TRUE(fs.create_directories("/etc/rules").ok());
    put("c.yml", "rule_files: [rules/*.yml]\nscrape_config_files: [/etc/jobs_*.yml]\nglobal: {}\n");
  }
  void put(const std::string& name, std::string_view text) {
    EXPECT_TRUE(write_file_atomically(fs, "/etc/" + name, text).ok());
  }
  uint64_t sum() {
    const auto s = config_checksum(fs, "/etc/c.yml");
    EXPECT_TRUE(s.ok());
    return s.ok() ? *s : 0;
  }

  support::sim_file_system fs{1};
};

TEST_F(ChecksumTest, EveryFileThatCountsChangesIt) {
  std::set<uint64_t> seen{sum()};
  EXPECT_EQ(sum(), *seen.begin());
  const auto changed = [&](const char* what) { EXPECT_TRUE(seen.insert(sum()).second) << what; };
  put("rules/a.yml", "groups: []");
  changed("a new rule file");
  put("rules/a.yml", "groups: [ ]");
  changed("its content");
  put("jobs_1.yml", "scrape_configs: []");
  changed("a new job file");
  put("rules/b.yml", "groups: [ ]");
  changed("a second one of the same content");
  ASSERT_TRUE(fs.rename("/etc/rules/b.yml", "/etc/rules/c.yml").ok());
  changed("its name");
  const uint64_t before = sum();
  put("other.yml", "groups: []");
  put("rules/a.txt", "x");
  EXPECT_EQ(sum(), before) << "files that nothing names";
  put("c.yml", "rule_files: [rules/*.yml]\nscrape_config_files: [/etc/jobs_*.yml]\n");
  changed("the main file");
  ASSERT_TRUE(fs.remove_file("/etc/rules/c.yml").ok());
  changed("a file that is gone");
}

TEST_F(ChecksumTest, WhatCannotBeReadIsAnError) {
  EXPECT_EQ(config_checksum(fs, "/etc/none.yml").code(), errc::not_found);
  put("c.yml", "global: {");
  EXPECT_FALSE(config_checksum(fs, "/etc/c.yml").ok());
  put("c.yml", "rule_files: [rules/*.yml]\n");
  put("rules/a.yml", "groups: []");
  fs.fail_only_on("/etc/rules/a.yml");
  fs.fail_nth(1, errc::io_error, true, support::op_read);
  EXPECT_EQ(config_checksum(fs, "/etc/c.yml").code(), errc::io_error);
  fs.clear_faults();
  for (const char* odd :
       {"", "just text", "- a\n- b\n", "rule_files: {a: b}\n", "rule_files: 7\n"}) {
    put("c.yml", odd);
    EXPECT_TRUE(config_checksum(fs, "/etc/c.yml").ok()) << odd;
  }
}

}  // namespace
}  // namespace troupe::config
