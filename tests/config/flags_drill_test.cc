// The grammar of `troupe drill`.
#include "config/flags.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

command_line parse(std::vector<std::string> args) {
  support::sim_file_system fs(1);
  args.insert(args.begin(), "drill");
  return parse_command_line(args, fs);
}
drill_command must(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::drill) << c.err;
  return c.drill;
}
std::string error_of(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::print);
  EXPECT_EQ(c.exit_code, 2);
  return c.err;
}
std::string error_with(const std::string& more) {
  return error_of({"region", "--from=http://a", "--to=http://b", more});
}

TEST(drill_flags, defaults) {
  const auto c = must({"region", "--from=http://a:9090/", "--to=http://b:9090"});
  EXPECT_EQ(c.of, drill_command::outage::region);
  EXPECT_EQ(c.from, "http://a:9090");
  EXPECT_THAT(c.to, ElementsAre("http://b:9090"));
  EXPECT_EQ(c.region, "");
  EXPECT_EQ(c.cut_ms, 60'000);
  EXPECT_EQ(c.rate, 50);
  EXPECT_EQ(c.timeout_ms, 300'000);
  EXPECT_FALSE(c.max_rpo_ms || c.max_rto_ms || c.dry_run || c.keep || c.json);
}

TEST(drill_flags, values_go_where_they_belong) {
  const auto c =
      must({"brokers", "--from=http://a", "--to=http://b", "--to", "https://c/x", "--region=east",
            "--cut=10s", "--rate=5", "--timeout=1h", "--max-rpo=1s", "--max-rto=30s",
            "--http.config.file=h.yml", "--dry-run", "--keep", "-o", "json"});
  EXPECT_EQ(c.of, drill_command::outage::brokers);
  EXPECT_THAT(c.to, ElementsAre("http://b", "https://c/x"));
  EXPECT_EQ(c.region, "east");
  EXPECT_EQ(c.cut_ms, 10'000);
  EXPECT_EQ(c.rate, 5);
  EXPECT_EQ(c.timeout_ms, 3'600'000);
  EXPECT_EQ(c.max_rpo_ms, 1'000);
  EXPECT_EQ(c.max_rto_ms, 30'000);
  EXPECT_EQ(c.http_config_file, "h.yml");
  EXPECT_TRUE(c.dry_run && c.keep && c.json);
}

TEST(drill_flags, what_makes_no_sense_is_refused) {
  EXPECT_THAT(error_of({}), HasSubstr("region or brokers"));
  EXPECT_THAT(error_of({"--from=http://a", "--to=http://b"}), HasSubstr("region or brokers"));
  EXPECT_THAT(error_of({"disk", "--from=http://a", "--to=http://b"}), HasSubstr("region or"));
  EXPECT_THAT(error_of({"region", "--to=http://b"}), HasSubstr("--from"));
  EXPECT_THAT(error_of({"region", "--from=http://a"}), HasSubstr("--to"));
  EXPECT_THAT(error_of({"region", "brokers", "--from=http://a", "--to=http://b"}),
              HasSubstr("brokers"));
  EXPECT_THAT(error_with("--to=http://a/"), HasSubstr("twice"));
  EXPECT_THAT(error_with("--to=http://b"), HasSubstr("twice"));
  EXPECT_THAT(error_with("--to=b:9090"), HasSubstr("--to"));
  EXPECT_THAT(error_with("--cut=500ms"), HasSubstr("--cut: too short"));
  EXPECT_THAT(error_with("--cut=1h"), HasSubstr("--cut: too long"));
  EXPECT_THAT(error_with("--cut=soon"), HasSubstr("--cut"));
  EXPECT_THAT(error_with("--rate=0"), HasSubstr("--rate"));
  EXPECT_THAT(error_with("--rate=1e6"), HasSubstr("--rate"));
  EXPECT_THAT(error_with("--rate=nan"), HasSubstr("--rate"));
  EXPECT_THAT(error_with("--timeout=0s"), HasSubstr("--timeout"));
  EXPECT_THAT(error_with("--max-rpo=x"), HasSubstr("--max-rpo"));
  EXPECT_THAT(error_with("--output=xml"), HasSubstr("--output"));
  EXPECT_THAT(error_with("--scope=all"), HasSubstr("unknown long flag"));
}

TEST(drill_flags, passwords_are_not_told) {
  EXPECT_EQ(
      error_of({"region", "--from=http://u:secret@a", "--to=http://u:secret@a"}).find("secret"),
      std::string::npos);
}

TEST(drill_flags, help) {
  const auto c = parse({"--help"});
  EXPECT_EQ(c.exit_code, 0);
  for (const char* flag :
       {"--from", "--to", "--region", "--cut", "--rate", "--timeout", "--max-rpo", "--max-rto",
        "--dry-run", "--keep", "--http.config.file", "--output"})
    EXPECT_THAT(c.out, HasSubstr(flag));
}

}  // namespace
}  // namespace troupe::config
