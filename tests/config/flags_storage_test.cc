// The grammar of `troupe storage`.
#include "config/flags_storage.h"

#include "config/flags.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::config {
namespace {

using kind = storage_command::kind;
using testing::ElementsAre;
using testing::HasSubstr;

command_line parse(std::vector<std::string> args) {
  support::sim_file_system fs(1);
  args.insert(args.begin(), "storage");
  return parse_command_line(args, fs);
}

storage_command must(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::storage) << c.err;
  return c.storage;
}

std::string error_of(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::print);
  EXPECT_EQ(c.exit_code, 2);
  return c.err;
}

TEST(storage_flags, every_subcommand_with_its_argument) {
  EXPECT_EQ(must({"analyze"}).what, kind::analyze);
  EXPECT_EQ(must({"analyze"}).dir, "data/");
  EXPECT_EQ(must({"analyze"}).limit, 20u);
  EXPECT_EQ(must({"analyze", "X"}).block, "X");
  EXPECT_EQ(must({"verify"}).what, kind::verify);
  EXPECT_EQ(must({"dump"}).what, kind::dump);
  EXPECT_EQ(must({"import", "tsdb", "d"}).what, kind::import_tsdb);
  EXPECT_EQ(must({"import", "tsdb", "d"}).path, "d");
  EXPECT_EQ(must({"import", "openmetrics", "-"}).what, kind::import_openmetrics);
  EXPECT_EQ(must({"import", "openmetrics", "-"}).path, "-");
  EXPECT_EQ(must({"export", "tsdb", "d"}).what, kind::export_tsdb);
  EXPECT_EQ(must({"export", "openmetrics"}).what, kind::export_openmetrics);
  EXPECT_EQ(must({"export", "openmetrics", "f"}).path, "f");
}

TEST(storage_flags, values_go_where_they_belong) {
  const auto c = must({"import", "tsdb", "--storage.tsdb.path=p", "--match=up", "--match",
                       "{a=\"b\"}", "--start=1", "--end", "2026-01-01T00:00:00Z", "--tenant=t",
                       "--dry-run", "--storage.tsdb.min-block-duration=1h", "-o", "json", "from"});
  EXPECT_EQ(c.dir, "p");
  EXPECT_THAT(c.matches, ElementsAre("up", "{a=\"b\"}"));
  EXPECT_EQ(c.start, "1");
  EXPECT_EQ(c.end, "2026-01-01T00:00:00Z");
  EXPECT_EQ(c.tenant, "t");
  EXPECT_TRUE(c.dry_run);
  EXPECT_TRUE(c.json);
  EXPECT_EQ(c.min_block_ms, 3'600'000);
  EXPECT_EQ(c.path, "from");
  EXPECT_EQ(must({"analyze", "--limit=3"}).limit, 3u);
}

TEST(storage_flags, errors_name_the_flag) {
  EXPECT_THAT(error_of({}), HasSubstr("storage needs analyze"));
  EXPECT_THAT(error_of({"import"}), HasSubstr("storage needs analyze"));
  EXPECT_THAT(error_of({"import", "tsdb"}),
              HasSubstr("storage import tsdb takes the folder to read"));
  EXPECT_THAT(error_of({"export", "tsdb"}), HasSubstr("storage export tsdb takes the folder"));
  EXPECT_THAT(error_of({"verify", "x"}), HasSubstr("unexpected argument \"x\""));
  EXPECT_THAT(error_of({"import", "tsdb", "a", "b"}), HasSubstr("unexpected argument \"b\""));
  EXPECT_THAT(error_of({"analyze", "--limit=0"}), HasSubstr("--limit"));
  EXPECT_THAT(error_of({"analyze", "-o", "xml"}), HasSubstr("--output"));
  EXPECT_THAT(error_of({"import", "tsdb", "--storage.tsdb.min-block-duration=0", "d"}),
              HasSubstr("--storage.tsdb.min-block-duration"));
  EXPECT_THAT(error_of({"dump", "--dry-run"}), HasSubstr("--dry-run"));
  EXPECT_THAT(error_of({"analyze", "--match=up"}), HasSubstr("--match"));
}

TEST(storage_flags, help_lists_every_subcommand_and_flag) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--help"}, {"import", "-h"}, {"import", "tsdb", "--help"}}) {
    const auto c = parse(args);
    EXPECT_EQ(c.exit_code, 0);
    for (const char* word :
         {"analyze", "verify", "dump", "import tsdb", "import openmetrics", "export tsdb",
          "export openmetrics", "--match", "--start", "--end", "--tenant", "--dry-run", "--limit",
          "--output", "--storage.tsdb.path", "--storage.tsdb.min-block-duration"})
      EXPECT_THAT(c.out, HasSubstr(word));
  }
  support::sim_file_system fs(1);
  EXPECT_THAT(parse_command_line({"--help"}, fs).out, HasSubstr("troupe storage"));
}

}  // namespace
}  // namespace troupe::config
