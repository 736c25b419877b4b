// The grammar of `troupe replay`, and the file of a cluster.
#include "config/flags.h"
#include "config/load.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

command_line parse(std::vector<std::string> args) {
  support::sim_file_system fs(1);
  args.insert(args.begin(), "replay");
  return parse_command_line(args, fs);
}
replay_command must(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::replay) << c.err;
  return c.replay;
}
/// With what every run needs, and `more`.
replay_command with(const std::string& more) {
  return must({"--brokers=b:9092", "--topic=t", "--to-url=http://h:9090", more});
}
std::string error_of(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command_line::command::print);
  EXPECT_EQ(c.exit_code, 2);
  return c.err;
}
std::string error_with(const std::string& more) {
  return error_of({"--brokers=b:9092", "--topic=t", "--to-url=http://h:9090", more});
}

TEST(replay_flags, defaults) {
  const auto c = must({"--brokers=b:9092", "--topic=t", "--to-url=http://h:9090"});
  EXPECT_THAT(c.cluster.brokers, ElementsAre("b:9092"));
  EXPECT_EQ(c.topic, "t");
  EXPECT_EQ(c.from, "");
  EXPECT_EQ(c.to, "");
  EXPECT_EQ(c.write_url, "http://h:9090/api/v1/write");
  EXPECT_EQ(c.slack_ms, 600'000);
  EXPECT_EQ(c.timeout_ms, 60'000);
  EXPECT_EQ(c.rate, 0);
  EXPECT_FALSE(c.dry_run);
  EXPECT_FALSE(c.json);
}

TEST(replay_flags, values_go_where_they_belong) {
  const auto c =
      must({"--brokers=a:1,b:2", "--brokers", "c:3", "--topic=t", "--from=1700000000",
            "--to=2026-01-01T00:00:00Z", "--slack=1h", "--match=up", "--match", "{a=\"b\"}",
            "--label=region=eu", "--label=x=a=b", "--to-url=https://h/push", "--timeout=5s",
            "--http.config.file=h.yml", "--rate=1e5", "--state=s", "-o", "json"});
  EXPECT_THAT(c.cluster.brokers, ElementsAre("a:1", "b:2", "c:3"));
  EXPECT_EQ(c.from, "1700000000");
  EXPECT_EQ(c.to, "2026-01-01T00:00:00Z");
  EXPECT_EQ(c.slack_ms, 3'600'000);
  EXPECT_THAT(c.matches, ElementsAre("up", "{a=\"b\"}"));
  EXPECT_THAT(c.labels, ElementsAre(Pair("region", "eu"), Pair("x", "a=b")));
  EXPECT_EQ(c.write_url, "https://h/push");
  EXPECT_EQ(c.timeout_ms, 5'000);
  EXPECT_EQ(c.http_config_file, "h.yml");
  EXPECT_EQ(c.rate, 1e5);
  EXPECT_EQ(c.state_file, "s");
  EXPECT_TRUE(c.json);
}

TEST(replay_flags, a_server_means_its_receiver_and_a_path_is_taken_as_it_is) {
  EXPECT_EQ(with("--to-url=http://h:9090/").write_url, "http://h:9090/api/v1/write");
  EXPECT_EQ(with("--to-url=http://h:9090/a/").write_url, "http://h:9090/a/");
  EXPECT_EQ(with("--to-url=http://h/api/v1/push?x=/").write_url, "http://h/api/v1/push?x=/");
}

TEST(replay_flags, a_dry_run_needs_no_receiver_and_a_file_no_brokers) {
  const auto c = must({"--kafka.config.file=k.yml", "--topic=t", "--dry-run"});
  EXPECT_TRUE(c.dry_run);
  EXPECT_EQ(c.kafka_file, "k.yml");
  EXPECT_EQ(c.write_url, "");
}

TEST(replay_flags, errors_name_the_flag) {
  EXPECT_THAT(error_of({}), HasSubstr("--brokers or --kafka.config.file"));
  EXPECT_THAT(error_of({"--brokers=b:1"}), HasSubstr("--topic"));
  EXPECT_THAT(error_of({"--brokers=b:1", "--topic=t"}), HasSubstr("--to-url"));
  EXPECT_THAT(error_with("--kafka.config.file=f"), HasSubstr("--brokers or --kafka.config.file"));
  EXPECT_THAT(error_with("--brokers=a:1,,b:2"), HasSubstr("brokers[2]: must be host:port"));
  EXPECT_THAT(error_with("--topic=a b"), HasSubstr("topic: must be at most 249 of"));
  EXPECT_THAT(error_with("--label=a"), HasSubstr("--label: must be name=value"));
  EXPECT_THAT(error_of({"--brokers=b:1", "--label=a=1", "--label=a=2"}),
              HasSubstr("is there twice"));
  EXPECT_THAT(error_with("--label==v"), HasSubstr("is not a valid label name"));
  EXPECT_THAT(error_with("--to-url=ftp://u:secret@h"), HasSubstr("--to-url"));
  EXPECT_EQ(error_with("--to-url=ftp://u:secret@h").find("secret"), std::string::npos);
  EXPECT_THAT(error_with("--rate=-1"), HasSubstr("--rate: not a number in range"));
  EXPECT_THAT(error_with("--slack=x"), HasSubstr("--slack"));
  EXPECT_THAT(error_with("--timeout=0s"), HasSubstr("--timeout: too short"));
  EXPECT_THAT(error_with("--output=yaml"), HasSubstr("--output: must be text or json"));
  EXPECT_THAT(error_with("--what=1"), HasSubstr("--what"));
}

TEST(replay_flags, help_lists_every_flag) {
  const auto c = parse({"--help"});
  EXPECT_EQ(c.exit_code, 0);
  for (const auto* flag : {"--brokers", "--kafka.config.file", "--topic", "--from", "--to=",
                           "--slack", "--match", "--label", "--to-url", "--http.config.file",
                           "--timeout", "--rate", "--dry-run", "--state", "--output"})
    EXPECT_THAT(c.out, HasSubstr(flag));
}

TEST(replay_flags, the_file_of_a_cluster) {
  support::sim_file_system fs(1);
  const auto load = [&](const std::string& text) {
    EXPECT_TRUE(write_file_atomically(fs, "/k.yml", text).ok());
    return load_kafka_config(fs, "/k.yml");
  };
  const auto c = load(
      "brokers: [a:1, b:2]\ntls: true\ntls_config: {ca_file: ca.pem}\n"
      "sasl: {mechanism: PLAIN, username: u, password: p}\nsettings: {client.id: me}\n");
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_THAT(c->brokers, ElementsAre("a:1", "b:2"));
  EXPECT_TRUE(c->tls);
  EXPECT_EQ(c->tls_settings.ca_file, "/ca.pem");
  EXPECT_EQ(c->sasl.username, "u");
  EXPECT_THAT(c->settings, ElementsAre(Pair("client.id", "me")));
  EXPECT_THAT(std::string(load("name: k\nbrokers: [\"\"]\n").error().message()),
              HasSubstr("/k.yml:2:11: brokers[0]: must be host:port"));
  EXPECT_THAT(std::string(load("broker: [a:1]\n").error().message()), HasSubstr("broker"));
  EXPECT_EQ(load_kafka_config(fs, "/none.yml").code(), errc::not_found);
}

}  // namespace
}  // namespace troupe::config
