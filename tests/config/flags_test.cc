#include "config/flags.h"

#include "config/flag_table.h"
#include "storage/base/quote.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using command = command_line::command;

command_line parse(std::vector<std::string> args) {
  support::sim_file_system fs(1);
  return parse_command_line(args, fs);
}

command_line must_serve(std::vector<std::string> args) {
  auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command::serve) << c.err;
  return c;
}

std::string usage_error_of(std::vector<std::string> args) {
  const auto c = parse(std::move(args));
  EXPECT_EQ(c.run, command::print);
  EXPECT_EQ(c.exit_code, 2);
  EXPECT_EQ(c.out, "");
  const std::string start = "Error parsing command line arguments: ";
  EXPECT_TRUE(c.err.starts_with(start)) << c.err;
  return c.err.substr(start.size(), c.err.find('\n') - start.size());
}

TEST(flags, without_any_all_are_defaults) {
  const auto c = must_serve({});
  EXPECT_EQ(c.server.config_file, "");
  EXPECT_THAT(c.server.web.listen_address, ElementsAre("0.0.0.0:9090"));
  EXPECT_EQ(c.server.storage.path, "data/");
  EXPECT_FALSE(c.server.storage.retention_time_ms);
  EXPECT_EQ(c.server.query.timeout_ms, 120'000);
  EXPECT_TRUE(c.inert.empty());
  EXPECT_TRUE(c.warnings.empty());
  EXPECT_EQ(c.values.size(), flag_table().size());
  EXPECT_EQ(c.values.at("config.file"), "prometheus.yml");
  EXPECT_EQ(c.values.at("query.max-samples"), "50000000");
  EXPECT_EQ(c.values.at("web.enable-lifecycle"), "false");
  EXPECT_EQ(c.values.at("storage.tsdb.retention.time"), "0s");
}

// The table's default text and the struct's initial value must say the same.
TEST(flags, defaults_of_table_and_structs_agree) {
  const auto implied = must_serve({});
  for (const auto& spec : flag_table()) {
    if (spec.kind == flag_kind::boolean || spec.name == "config.file")
      continue;
    const auto said = must_serve({"--" + std::string(spec.name) + "=" + std::string(spec.initial)});
    EXPECT_EQ(said.values, implied.values) << spec.name;
    EXPECT_TRUE(said.inert.empty()) << spec.name;
    const auto &a = said.server, &b = implied.server;
    EXPECT_EQ(a.auto_reload_interval_ms, b.auto_reload_interval_ms) << spec.name;
    EXPECT_EQ(a.web.listen_address, b.web.listen_address) << spec.name;
    EXPECT_TRUE(a.web.accept_write_v1 && a.web.accept_write_v2) << spec.name;
    EXPECT_EQ(
        std::tie(a.web.read_timeout_ms, a.web.max_connections, a.web.page_title, a.web.cors_origin,
                 a.web.max_header_bytes, a.web.header_timeout_ms, a.web.idle_timeout_ms,
                 a.web.write_timeout_ms, a.web.min_rate_bytes, a.web.max_body_bytes,
                 a.web.in_flight_bytes, a.web.answer_bytes, a.web.io_threads),
        std::tie(b.web.read_timeout_ms, b.web.max_connections, b.web.page_title, b.web.cors_origin,
                 b.web.max_header_bytes, b.web.header_timeout_ms, b.web.idle_timeout_ms,
                 b.web.write_timeout_ms, b.web.min_rate_bytes, b.web.max_body_bytes,
                 b.web.in_flight_bytes, b.web.answer_bytes, b.web.io_threads))
        << spec.name;
    EXPECT_EQ(
        std::tie(a.storage.path, a.storage.retention_time_ms, a.storage.retention_size,
                 a.storage.min_block_ms, a.storage.block_reload_ms, a.storage.max_block_ms,
                 a.storage.wal_segment_bytes, a.storage.wal_sync, a.storage.wal_sync_interval_ms,
                 a.storage.memory_limit_bytes, a.storage.memory_limit_percent, a.storage.shards,
                 a.storage.max_series, a.storage.replay_pending_bytes, a.storage.scrub_bytes_per_s,
                 a.storage.retention_rules),
        std::tie(b.storage.path, b.storage.retention_time_ms, b.storage.retention_size,
                 b.storage.min_block_ms, b.storage.block_reload_ms, b.storage.max_block_ms,
                 b.storage.wal_segment_bytes, b.storage.wal_sync, b.storage.wal_sync_interval_ms,
                 b.storage.memory_limit_bytes, b.storage.memory_limit_percent, b.storage.shards,
                 b.storage.max_series, b.storage.replay_pending_bytes, b.storage.scrub_bytes_per_s,
                 b.storage.retention_rules))
        << spec.name;
    EXPECT_EQ(std::tie(a.query.lookback_delta_ms, a.query.timeout_ms, a.query.max_concurrency,
                       a.query.max_samples, a.query.max_bytes, a.query.max_nodes, a.query.max_depth,
                       a.query.max_memory_bytes, a.query.max_queue, a.scrape.max_body_bytes,
                       a.scrape.max_idle_connections, a.scrape.dns_threads, a.log.level,
                       a.log.format, a.audit.canary, a.audit.interval_ms),
              std::tie(b.query.lookback_delta_ms, b.query.timeout_ms, b.query.max_concurrency,
                       b.query.max_samples, b.query.max_bytes, b.query.max_nodes, b.query.max_depth,
                       b.query.max_memory_bytes, b.query.max_queue, b.scrape.max_body_bytes,
                       b.scrape.max_idle_connections, b.scrape.dns_threads, b.log.level,
                       b.log.format, b.audit.canary, b.audit.interval_ms))
        << spec.name;
  }
}

// Prometheus 3's --help, by name: every flag must be known.
TEST(flags, every_flag_of_prometheus_is_known) {
  for (const std::string name : {"config.file",
                                 "config.auto-reload-interval",
                                 "web.listen-address",
                                 "auto-gomaxprocs",
                                 "auto-gomemlimit",
                                 "auto-gomemlimit.ratio",
                                 "web.config.file",
                                 "web.read-timeout",
                                 "web.max-connections",
                                 "web.max-notifications-subscribers",
                                 "web.external-url",
                                 "web.route-prefix",
                                 "web.user-assets",
                                 "web.enable-lifecycle",
                                 "web.enable-admin-api",
                                 "web.enable-remote-write-receiver",
                                 "web.remote-write-receiver.accepted-protobuf-messages",
                                 "web.enable-otlp-receiver",
                                 "web.console.templates",
                                 "web.console.libraries",
                                 "web.page-title",
                                 "web.cors.origin",
                                 "storage.tsdb.path",
                                 "storage.tsdb.retention.time",
                                 "storage.tsdb.retention.size",
                                 "storage.tsdb.no-lockfile",
                                 "storage.tsdb.head-chunks-write-queue-size",
                                 "storage.tsdb.delay-compact-file.path",
                                 "storage.agent.path",
                                 "storage.agent.wal-compression",
                                 "storage.agent.retention.min-time",
                                 "storage.agent.retention.max-time",
                                 "storage.agent.no-lockfile",
                                 "storage.remote.flush-deadline",
                                 "storage.remote.read-sample-limit",
                                 "storage.remote.read-concurrent-limit",
                                 "storage.remote.read-max-bytes-in-frame",
                                 "rules.alert.for-outage-tolerance",
                                 "rules.alert.for-grace-period",
                                 "rules.alert.resend-delay",
                                 "rules.max-concurrent-evals",
                                 "alertmanager.notification-queue-capacity",
                                 "alertmanager.notification-batch-size",
                                 "alertmanager.drain-notification-queue-on-shutdown",
                                 "query.lookback-delta",
                                 "query.timeout",
                                 "query.max-concurrency",
                                 "query.max-samples",
                                 "enable-feature",
                                 "agent",
                                 "log.level",
                                 "log.format"}) {
    const auto table = flag_table();
    EXPECT_TRUE(std::any_of(table.begin(), table.end(), [&](const auto& s) {
      return s.name == name;
    })) << name;
  }
}

TEST(flags, booleans_have_a_negation) {
  for (const auto& spec : flag_table()) {
    if (spec.kind != flag_kind::boolean)
      continue;
    const std::string name(spec.name);
    EXPECT_EQ(must_serve({"--" + name}).values.at(name), "true") << name;
    EXPECT_EQ(must_serve({"--no-" + name}).values.at(name), "false") << name;
  }
  EXPECT_FALSE(must_serve({"--no-storage.tsdb.wal-compression"}).server.storage.wal_compression);
  EXPECT_TRUE(must_serve({"--web.enable-lifecycle"}).server.web.enable_lifecycle);
  EXPECT_THAT(must_serve({"--no-auto-gomaxprocs"}).inert, ElementsAre("auto-gomaxprocs"));
  EXPECT_TRUE(must_serve({"--auto-gomaxprocs"}).inert.empty());
}

TEST(flags, values_act) {
  const auto s =
      must_serve({"--config.file=/e/p.yml", "--web.listen-address=:1", "--web.listen-address", ":2",
                  "--storage.tsdb.path", "/d", "--storage.tsdb.retention.time=1y",
                  "--storage.tsdb.retention.size=1.5GB", "--query.timeout=1m30s",
                  "--query.max-samples=5e6", "--log.level=debug", "--log.format=json",
                  "--storage.wal.sync=os", "--troupe.scrape.max-body=1MB",
                  "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"})
          .server;
  EXPECT_EQ(s.config_file, "/e/p.yml");
  EXPECT_THAT(s.web.listen_address, ElementsAre(":1", ":2"));
  EXPECT_EQ(s.storage.path, "/d");
  EXPECT_EQ(s.storage.retention_time_ms, 365LL * 86'400'000);
  EXPECT_EQ(s.storage.retention_size, 3ULL << 29);
  EXPECT_EQ(s.query.timeout_ms, 90'000);
  EXPECT_EQ(s.query.max_samples, 5'000'000u);
  EXPECT_EQ(s.log.level, "debug");
  EXPECT_EQ(s.log.format, "json");
  EXPECT_EQ(s.storage.wal_sync, "os");
  EXPECT_EQ(s.scrape.max_body_bytes, 1u << 20);
  EXPECT_EQ(s.storage.max_block_ms, 7'200'000);
}

TEST(flags, values_are_shown_in_canonical_form) {
  const auto c = must_serve({"--query.timeout=90s", "--storage.tsdb.retention.size=1024MB",
                             "--web.listen-address=:1", "--web.listen-address=:2"});
  EXPECT_EQ(c.values.at("query.timeout"), "1m30s");
  EXPECT_EQ(c.values.at("storage.tsdb.retention.size"), "1GiB");
  EXPECT_EQ(c.values.at("web.listen-address"), ":1,:2");
}

TEST(flags, empty_values_are_values) {
  const auto c = must_serve({"--web.external-url=", "--log.level=warn"});
  EXPECT_EQ(c.server.web.external_url, "");
  EXPECT_EQ(c.server.log.level, "warn");
}

TEST(flags, wrong_usage) {
  EXPECT_EQ(usage_error_of({"--no-such-flag"}), "unknown long flag '--no-such-flag'");
  EXPECT_EQ(usage_error_of({"--web.listen-adress=:1"}), "unknown long flag '--web.listen-adress'");
  EXPECT_EQ(usage_error_of({"-x"}), "unknown short flag '-x'");
  EXPECT_EQ(usage_error_of({"stray"}), "unexpected stray");
  EXPECT_EQ(usage_error_of({"--query.timeout=soon"}),
            "--query.timeout: not a valid duration string: \"soon\"");
  EXPECT_EQ(usage_error_of({"--query.max-samples=many"}),
            "--query.max-samples: not a number: \"many\"");
  EXPECT_EQ(usage_error_of({"--query.max-samples=-1"}),
            "--query.max-samples: not a number: \"-1\"");
  EXPECT_EQ(usage_error_of({"--storage.tsdb.retention.size=5"}),
            "--storage.tsdb.retention.size: not a valid size: \"5\": missing unit (B, KB, MB, GB, "
            "TB, PB, EB)");
  EXPECT_EQ(usage_error_of({"--log.level=loud"}),
            "--log.level: enum value must be one of debug,info,warn,error, got 'loud'");
  EXPECT_EQ(
      usage_error_of({"--storage.wal.sync=never"}),
      "--storage.wal.sync: enum value must be one of always,os,interval=<duration>, got 'never'");
  EXPECT_EQ(usage_error_of({"--storage.wal.sync=interval="}),
            "--storage.wal.sync: enum value must be one of always,os,interval=<duration>, got "
            "'interval='");
  EXPECT_EQ(usage_error_of({"--storage.wal.sync=interval=0s"}),
            "--storage.wal.sync: not an interval: \"interval=0s\"");
  EXPECT_EQ(usage_error_of({"--storage.memory-limit=101%"}),
            "--storage.memory-limit: not 1% to 100%: \"101%\"");
  EXPECT_NE(usage_error_of({"--storage.memory-limit=much"}), "");
  const auto memory = must_serve({"--storage.memory-limit=2GiB"}).server.storage;
  EXPECT_EQ(memory.memory_limit_bytes, 2ULL << 30);
  EXPECT_EQ(memory.memory_limit_percent, 0u);
  const auto half = must_serve({"--storage.memory-limit=50%"}).server.storage;
  EXPECT_EQ(half.memory_limit_bytes, 0u);
  EXPECT_EQ(half.memory_limit_percent, 50u);
  const auto interval = must_serve({"--storage.wal.sync=interval=250ms"}).server.storage;
  EXPECT_EQ(interval.wal_sync, "interval");
  EXPECT_EQ(interval.wal_sync_interval_ms, 250);
  EXPECT_EQ(usage_error_of({"--log.level=info", "--log.level=warn"}),
            "flag 'log.level' cannot be repeated");
  EXPECT_EQ(usage_error_of({"--auto-gomemlimit.ratio=2"}),
            "--auto-gomemlimit.ratio: must be more than 0 and at most 1");
  EXPECT_THAT(usage_error_of({"--query.timeout"}), HasSubstr("--query.timeout"));
}

TEST(flags, features) {
  const auto c =
      must_serve({"--enable-feature=promql-experimental-functions,exemplar-storage,old-ui",
                  "--enable-feature=extra-scrape-metrics,,nonsense"});
  EXPECT_TRUE(c.server.features.promql_experimental_functions);
  EXPECT_TRUE(c.server.features.extra_scrape_metrics);
  EXPECT_FALSE(c.server.features.auto_reload_config);
  EXPECT_THAT(c.inert, ElementsAre("enable-feature=old-ui"));
  EXPECT_THAT(c.warnings, ElementsAre("unknown option for --enable-feature: nonsense"));
}

TEST(flags, features_that_exclude_each_other) {
  EXPECT_THAT(
      usage_error_of({"--enable-feature=otlp-deltatocumulative,otlp-native-delta-ingestion"}),
      HasSubstr("at the same time"));
}

TEST(flags, features_are_sorted_and_act_or_say_so) {
  const auto all = feature_table();
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(all[i - 1].name, all[i].name);
    }
    EXPECT_EQ(all[i].field != nullptr, all[i].state == feature_state::acts) << all[i].name;
    if (all[i].field == nullptr)
      continue;
    const auto c = must_serve({"--enable-feature=" + std::string(all[i].name)});
    EXPECT_TRUE(c.server.features.*all[i].field) << all[i].name;
  }
}

TEST(flags, inert_ones_in_use_are_named) {
  const auto c = must_serve({"--auto-gomemlimit.ratio=0.5", "--web.user-assets=/a"});
  EXPECT_THAT(c.inert, ::testing::UnorderedElementsAre("web.user-assets", "auto-gomemlimit.ratio"));
}

TEST(flags, accepted_messages_of_remote_write) {
  const std::string flag = "--web.remote-write-receiver.accepted-protobuf-messages=";
  const std::string v1 = flag + "prometheus.WriteRequest";
  const std::string v2 = flag + "io.prometheus.write.v2.Request";
  const auto web = [](std::vector<std::string> args) {
    return must_serve(std::move(args)).server.web;
  };
  EXPECT_TRUE(web({v1}).accept_write_v1);
  EXPECT_FALSE(web({v1}).accept_write_v2);
  EXPECT_FALSE(web({v2}).accept_write_v1);
  EXPECT_TRUE(web({v2}).accept_write_v2);
  EXPECT_TRUE(web({v2, v1}).accept_write_v1);
  EXPECT_TRUE(web({v2, v1}).accept_write_v2);
}

TEST(flags, troupes_own_file_sets_defaults) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/t.yml",
         "troupe.scrape.max-body: 8MiB\nstorage.wal.sync: os\ntroupe.query.max-nodes: 7\n"
         "federation: [{name: x}]\n");
  const auto c =
      parse_command_line({"--troupe.config.file=/e/t.yml", "--troupe.query.max-nodes=9"}, fs);
  ASSERT_EQ(c.run, command::serve) << c.err;
  EXPECT_EQ(c.server.scrape.max_body_bytes, 8u << 20);
  EXPECT_EQ(c.server.storage.wal_sync, "os");
  EXPECT_EQ(c.server.query.max_nodes, 9u);
  EXPECT_EQ(c.values.at("troupe.scrape.max-body"), "8MiB");
  fs.put("/e/t.yml",
         "log.level: debug\ntroupe.scrape.max-body: big\ntroupe.web.max-body: [1]\n"
         "troupe.config.file: x\n");
  const auto bad = parse_command_line({"--troupe.config.file=/e/t.yml"}, fs);
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(bad.err,
            "/e/t.yml:1:1: log.level: unknown field\n"
            "/e/t.yml:2:1: troupe.scrape.max-body: --troupe.scrape.max-body: not a valid size: "
            "\"big\": not a number\n"
            "/e/t.yml:3:1: troupe.web.max-body: must be a single value\n"
            "/e/t.yml:4:1: troupe.config.file: unknown field\n");
  EXPECT_EQ(parse_command_line({"--troupe.config.file=/e/none.yml"}, fs).exit_code, 1);
}

TEST(flags, retention_rules_come_in_order_from_flags_or_the_file) {
  const flag_checks checks{[](std::string_view selector) -> status {
    return selector.starts_with('{') ? status() : status(errc::invalid_argument, "no selector");
  }};
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  const auto flags =
      parse_command_line({"--troupe.storage.retention-rule=2d {job=\"a b\"}",
                          "--troupe.storage.retention-rule", "0s  {team=~\"slo|ops\"}"},
                         fs, checks);
  ASSERT_EQ(flags.run, command::serve) << flags.err;
  const std::vector<retention_rule_flag> want{{"{job=\"a b\"}", 2 * 24 * 3600 * 1000},
                                              {"{team=~\"slo|ops\"}", 0}};
  EXPECT_EQ(flags.server.storage.retention_rules, want);
  EXPECT_EQ(flags.values.at("troupe.storage.retention-rule"),
            "2d {job=\"a b\"},0s  {team=~\"slo|ops\"}");
  fs.put("/e/t.yml",
         "troupe.storage.retention-rule:\n  - 2d {job=\"a b\"}\n  - 0s {team=~\"slo|ops\"}\n");
  const auto file = parse_command_line({"--troupe.config.file=/e/t.yml"}, fs, checks);
  ASSERT_EQ(file.run, command::serve) << file.err;
  EXPECT_EQ(file.server.storage.retention_rules, want);
  fs.put("/e/t.yml",
         "troupe.storage.retention-rule:\n  - 2d {a=\"b\"}\n  - long {a=\"b\"}\n"
         "  - 3d a\n  - 4d\n  - [5d]\n");
  const auto bad = parse_command_line({"--troupe.config.file=/e/t.yml"}, fs, checks);
  EXPECT_EQ(bad.exit_code, 1);
  const std::string field = ": troupe.storage.retention-rule[";
  const std::string flag = ": --troupe.storage.retention-rule: ";
  EXPECT_EQ(bad.err, "/e/t.yml:3:5" + field + "1]" + flag +
                         "\"long {a=\\\"b\\\"}\": not a valid duration string: \"long\"\n" +
                         "/e/t.yml:4:5" + field + "2]" + flag + "\"a\": no selector\n" +
                         "/e/t.yml:5:5" + field + "3]" + flag +
                         "\"4d\": must be a duration and a selector\n" + "/e/t.yml:6:5" + field +
                         "4]: must be a single value\n");
  EXPECT_EQ(parse_command_line({"--troupe.storage.retention-rule=2d a"}, fs, checks).exit_code, 2);
}

TEST(flags, help_names_every_flag) {
  for (const auto& args : {std::vector<std::string>{"--help"}, {"-h"}, {"--help", "--nonsense"}}) {
    const auto c = parse(args);
    EXPECT_EQ(c.run, command::print);
    EXPECT_EQ(c.exit_code, 0);
    for (const auto& spec : flag_table())
      EXPECT_EQ(c.out.find("--" + std::string(spec.name) + "=") != std::string::npos ||
                    c.out.find("--[no-]" + std::string(spec.name) + "\n") != std::string::npos,
                spec.visible == flag_help::shown)
          << spec.name;
  }
  EXPECT_THAT(parse({"--version"}).out, HasSubstr("troupe, version "));
  EXPECT_EQ(parse({"version"}).out, parse({"--version"}).out);
}

TEST(flags, check_and_test_take_files) {
  const auto check = parse({"check", "config", "a.yml", "b.yml"});
  EXPECT_EQ(check.run, command::check_config);
  EXPECT_THAT(check.check.files, ElementsAre("a.yml", "b.yml"));
  EXPECT_FALSE(check.check.syntax_only);
  EXPECT_TRUE(parse({"check", "config", "--syntax-only", "a.yml"}).check.syntax_only);
  const auto test = parse({"test", "promql", "x.test"});
  EXPECT_EQ(test.run, command::test_promql);
  EXPECT_THAT(test.test.files, ElementsAre("x.test"));
  for (const auto& args : {std::vector<std::string>{"check"},
                           {"check", "config"},
                           {"test", "promql"},
                           {"check", "nonsense", "a"},
                           {"check", "rules"},
                           {"check", "rules", "--lint=some", "a"},
                           {"test", "rules"},
                           {"test", "promql", "--nonsense", "a"}})
    EXPECT_EQ(parse(args).exit_code, 2) << args.back();
}

TEST(flags, check_and_test_rules) {
  auto check = parse({"check", "rules", "a.yml", "b.yml"});
  EXPECT_EQ(check.run, command::check_rules);
  EXPECT_THAT(check.check_rules.files, ElementsAre("a.yml", "b.yml"));
  EXPECT_TRUE(check.check_rules.lint);
  EXPECT_FALSE(check.check_rules.lint_fatal);
  check = parse({"check", "rules", "--lint", "none", "--lint-fatal", "a.yml"});
  EXPECT_FALSE(check.check_rules.lint);
  EXPECT_TRUE(check.check_rules.lint_fatal);
  const auto test = parse({"test", "rules", "--run", "a", "--run=b", "x.yml", "y.yml"});
  EXPECT_EQ(test.run, command::test_rules);
  EXPECT_THAT(test.test_rules.files, ElementsAre("x.yml", "y.yml"));
  EXPECT_THAT(test.test_rules.run, ElementsAre("a", "b"));
}

TEST(flags, queries) {
  using kind = query_command::kind;
  auto q = parse({"query", "instant", "up"}).query;
  EXPECT_EQ(q.what, kind::instant);
  EXPECT_EQ(q.expr, "up");
  EXPECT_EQ(q.server, "http://localhost:9090");
  EXPECT_EQ(q.print, query_command::output::table);
  q = parse({"query", "instant", "--time=5", "https://p:1/x", "sum(up)", "-o", "json"}).query;
  EXPECT_EQ(q.server, "https://p:1/x");
  EXPECT_EQ(q.expr, "sum(up)");
  EXPECT_EQ(q.time, "5");
  EXPECT_EQ(q.print, query_command::output::json);
  q = parse({"query", "range", "--server=http://a", "--start=1", "--end=2", "--step=3s", "--output",
             "sparkline", "rate(a[5m])"})
          .query;
  EXPECT_EQ(q.what, kind::range);
  EXPECT_EQ(q.server, "http://a");
  EXPECT_EQ(std::tie(q.start, q.end, q.step), std::make_tuple("1", "2", "3s"));
  EXPECT_EQ(q.print, query_command::output::sparkline);
  q = parse({"query", "series", "http://a", "--match=up", "--match", "x{a=\"b\"}", "y"}).query;
  EXPECT_EQ(q.what, kind::series);
  EXPECT_THAT(q.matches, ElementsAre("up", "x{a=\"b\"}", "y"));
  q = parse({"query", "labels", "job", "--timeout=5s"}).query;
  EXPECT_EQ(q.what, kind::labels);
  EXPECT_EQ(q.label, "job");
  EXPECT_EQ(q.timeout_ms, 5'000);
  EXPECT_EQ(parse({"query", "labels"}).query.label, "");
  EXPECT_EQ(usage_error_of({"query", "instant"}), "query instant takes one expression");
  EXPECT_EQ(usage_error_of({"query", "instant", "a", "b"}), "query instant takes one expression");
  EXPECT_EQ(usage_error_of({"query", "series"}), "query series takes at least one selector");
  EXPECT_EQ(usage_error_of({"query", "instant", "a", "--output=xml"}),
            "--output: must be table, json or sparkline");
  EXPECT_EQ(usage_error_of({"query", "instant", "a", "--server=local"}),
            "server \"local\": must be an absolute URL");
  EXPECT_EQ(usage_error_of({"query", "instant", "a", "--timeout=0"}),
            "--timeout: not a valid duration: \"0\"");
}

TEST(flags, an_external_url_in_quotes_is_refused) {
  for (const std::string url : {"'http://a'", "\"http://a", "http://a'"})
    EXPECT_EQ(
        usage_error_of({"--web.external-url=" + url}),
        "parse external URL " + troupe::quoted(url) + ": URL must not begin or end with quotes");
}

TEST(flags, route_prefix_follows_the_external_url) {
  const auto prefix = [](std::string external, std::string own) {
    web_flags f;
    f.external_url = std::move(external);
    f.route_prefix = std::move(own);
    return route_prefix(f);
  };
  EXPECT_EQ(prefix("", ""), "/");
  EXPECT_EQ(prefix("http://a.b", ""), "/");
  EXPECT_EQ(prefix("http://a.b/", ""), "/");
  EXPECT_EQ(prefix("http://a.b/x/y/?q#f", ""), "/x/y");
  EXPECT_EQ(prefix("/x", ""), "/x");
  EXPECT_EQ(prefix("http://a.b/x", "/"), "/");
  EXPECT_EQ(prefix("http://a.b/x", "y/"), "/y");
}

}  // namespace
}  // namespace troupe::config
