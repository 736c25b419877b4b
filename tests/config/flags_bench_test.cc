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
  args.insert(args.begin(), "bench");
  return parse_command_line(args, fs);
}
bench_command must(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::bench) << c.err;
  return c.bench;
}
std::string error_of(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::print);
  EXPECT_EQ(c.exit_code, 2);
  return c.err;
}

TEST(bench_flags, defaults) {
  const auto w = must({"write"});
  EXPECT_EQ(w.what, bench_command::kind::write);
  EXPECT_EQ(w.server, "http://localhost:9090");
  EXPECT_EQ(w.profile, "node");
  EXPECT_EQ(w.series, 10'000u);
  EXPECT_EQ(w.churn, 0);
  EXPECT_EQ(w.samples_per_request, 2'000u);
  EXPECT_EQ(w.duration_ms, 3'600'000);
  EXPECT_FALSE(w.audit);
  EXPECT_EQ(w.protocol, load_protocol::write_v1);
  EXPECT_EQ(w.path, "");
  EXPECT_EQ(must({"write", "--protocol=2.0"}).protocol, load_protocol::write_v2);
  EXPECT_EQ(must({"write", "--protocol=otlp"}).protocol, load_protocol::otlp);
  EXPECT_EQ(must({"churn", "--protocol=1.0"}).protocol, load_protocol::write_v1);
  EXPECT_EQ(must({"write", "--path=/a/b"}).path, "/a/b");
  EXPECT_THAT(error_of({"write", "--protocol=2"}), HasSubstr("must be 1.0, 2.0 or otlp"));
  EXPECT_THAT(error_of({"write", "--path=a"}), HasSubstr("--path: must begin with /"));
  EXPECT_EQ(must({"churn", "--series=5000"}).churn, 50);
  EXPECT_EQ(must({"query"}).duration_ms, 10'000);
  const auto s = must({"scrape"});
  EXPECT_EQ(s.server, "");
  EXPECT_EQ(s.duration_ms, 0);
  EXPECT_TRUE(s.gzip);
}

TEST(bench_flags, values_go_where_they_belong) {
  const auto w = must({"write", "--series", "523000", "--profile=classic", "--seed=7",
                       "--duration=7m30s", "--step=15s", "--samples-per-request=500",
                       "--in-flight=8", "--rate=1e6", "--audit", "--ledger=l", "--end=1700000000.5",
                       "--output=json", "--retry=2s", "--series-per-host=100", "http://h:1/p"});
  EXPECT_EQ(w.series, 523'000u);
  EXPECT_EQ(w.profile, "classic");
  EXPECT_EQ(w.seed, 7u);
  EXPECT_EQ(w.duration_ms, 450'000);
  EXPECT_EQ(w.samples_per_request, 500u);
  EXPECT_EQ(w.in_flight, 8u);
  EXPECT_EQ(w.rate, 1e6);
  EXPECT_TRUE(w.audit);
  EXPECT_TRUE(w.json);
  EXPECT_EQ(w.ledger, "l");
  EXPECT_EQ(w.end_ms, 1'700'000'000'500);
  EXPECT_EQ(w.retry_ms, 2'000);
  EXPECT_EQ(w.width, 100u);
  EXPECT_EQ(w.server, "http://h:1/p");
  EXPECT_THAT(must({"query", "--instant=a", "--instant", "b", "--range=c"}).instant,
              ElementsAre("a", "b"));
  const auto a = must({"audit", "http://h:1", "file"});
  EXPECT_EQ(a.server, "http://h:1");
  EXPECT_EQ(a.ledger, "file");
  EXPECT_FALSE(must({"scrape", "--no-gzip"}).gzip);
}

TEST(bench_flags, errors_name_the_flag) {
  EXPECT_THAT(error_of({}), HasSubstr("bench needs write, scrape, query, churn or audit"));
  EXPECT_THAT(error_of({"write", "--series=0"}), HasSubstr("--series: not a number in range"));
  EXPECT_THAT(error_of({"write", "--series=-1"}), HasSubstr("--series"));
  EXPECT_THAT(error_of({"write", "--step=0s"}), HasSubstr("--step: too short"));
  EXPECT_THAT(error_of({"write", "--step=1m", "--duration=30s"}), HasSubstr("--duration"));
  EXPECT_THAT(error_of({"write", "--profile=x"}), HasSubstr("--profile: must be node"));
  EXPECT_THAT(error_of({"write", "--output=yaml"}), HasSubstr("--output: must be text or json"));
  EXPECT_THAT(error_of({"write", "--rate=nan"}), HasSubstr("--rate"));
  EXPECT_THAT(error_of({"write", "--targets=3"}), HasSubstr("--targets"));
  EXPECT_THAT(error_of({"write", "ftp://x"}), HasSubstr("unexpected argument"));
  EXPECT_THAT(error_of({"write", "--server=ftp://x"}), HasSubstr("server"));
  EXPECT_THAT(error_of({"churn", "--series=10", "--new-series=11"}), HasSubstr("--new-series"));
  EXPECT_THAT(error_of({"audit"}), HasSubstr("ledger"));
  EXPECT_THAT(error_of({"scrape", "--port=65536"}), HasSubstr("--port"));
  EXPECT_THAT(error_of({"scrape", "--targets=16711681"}), HasSubstr("--targets"));
  EXPECT_THAT(error_of({"scrape", "--audit"}), HasSubstr("--audit"));
  EXPECT_THAT(error_of({"scrape", "--profile=native"}), HasSubstr("text format"));
}

TEST(bench_flags, help_lists_every_subcommand_and_flag) {
  for (const auto& args : {std::vector<std::string>{"--help"}, {"write", "-h"}}) {
    const auto c = parse(args);
    EXPECT_EQ(c.exit_code, 0);
    for (const auto* word : {"bench write", "bench churn", "bench scrape", "bench query",
                             "bench audit", "--samples-per-request", "--sd-file", "--window"})
      EXPECT_THAT(c.out, HasSubstr(word));
  }
}

}  // namespace
}  // namespace troupe::config
