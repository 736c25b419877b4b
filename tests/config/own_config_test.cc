// The blocks of --troupe.config.file.
#include "config/aggregation_output.h"
#include "config/load.h"
#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

loaded_config load_own(std::string_view text, load_options options = no_environment()) {
  support::sim_file_system fs(1);
  EXPECT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/t.yml", std::string(text));
  options.own_file = "/e/t.yml";
  if (!options.check_selector)
    options.check_selector = [](std::string_view text) -> status {
      return text.find('}') == text.find('{') || text.ends_with('}')
                 ? status()
                 : status(errc::invalid_argument, "no selector");
    };
  return parse_config("", "c.yml", fs, options);
}

TEST(own_config, a_source_of_federation) {
  const auto loaded = load_own(
      "troupe.web.max-body: 1MiB\n"
      "federation:\n"
      "- name: east\n"
      "  url: https://east:9090/\n"
      "  match: ['{job=\"node\"}', up]\n"
      "  labels: {region: east}\n"
      "  basic_auth: {username: u, password_file: pw}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  ASSERT_EQ(loaded.value->own.federation.size(), 1u);
  const auto& s = loaded.value->own.federation[0];
  EXPECT_EQ(s.name, "east");
  EXPECT_EQ(s.match, (std::vector<std::string>{"{job=\"node\"}", "up"}));
  EXPECT_EQ(s.labels.at("region"), "east");
  EXPECT_EQ(s.keep_bytes, 4ull << 30);
  EXPECT_EQ(s.client.basic_auth->password_file, "/e/pw");
}

TEST(own_config, selectors_are_checked) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/t.yml", "federation: [{name: a, url: 'http://a', match: [up, 'x{']}]\n");
  auto options = no_environment();
  options.own_file = "/e/t.yml";
  options.check_selector = [](std::string_view text) {
    return text == "up" ? status() : status(errc::invalid_argument, "no selector");
  };
  const auto loaded = parse_config("", "c.yml", fs, options);
  EXPECT_EQ(loaded.value, nullptr);
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_EQ(loaded.errors[0].field, "federation[0].match[1]");
}

TEST(own_config, budgets_of_series) {
  const auto loaded = load_own(
      "series_budgets:\n"
      "- {name: tenants, by: [tenant], limit: 500000}\n"
      "- {name: all, match: '{job=\"a\"}', limit: 7}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const auto& budgets = loaded.value->own.series_budgets;
  ASSERT_EQ(budgets.size(), 2u);
  EXPECT_EQ(budgets[0], (series_budget_config{"tenants", "", {"tenant"}, 500'000}));
  EXPECT_EQ(budgets[1], (series_budget_config{"all", "{job=\"a\"}", {}, 7}));
}

TEST(own_config, errors_of_budgets_have_their_place_in_the_file) {
  auto options = no_environment();
  options.check_selector = [](std::string_view text) {
    return text == "up" ? status() : status(errc::invalid_argument, "parse error");
  };
  EXPECT_EQ(join(load_own("series_budgets:\n"
                          "- name: a\n"
                          "  match: up\n"
                          "- name: a\n"
                          "  match: '{'\n"
                          "  by: [job, '', job]\n"
                          "  limit: 0\n"
                          "- limit: 1\n"
                          "  action: drop\n",
                          options)
                     .errors),
            "/e/t.yml:2:3: series_budgets[0].limit: must be at least 1\n"
            "/e/t.yml:4:3: series_budgets[1].name: \"a\" is there twice\n"
            "/e/t.yml:5:3: series_budgets[1].match: parse error\n"
            "/e/t.yml:6:13: series_budgets[1].by[1]: \"\" is not a valid label name\n"
            "/e/t.yml:6:17: series_budgets[1].by[2]: \"job\" is there twice\n"
            "/e/t.yml:7:3: series_budgets[1].limit: must be at least 1\n"
            "/e/t.yml:8:3: series_budgets[2]: name for series_budgets is empty\n"
            "/e/t.yml:9:3: series_budgets[2].action: unknown field");
}

TEST(own_config, errors_have_their_place_in_the_file) {
  EXPECT_EQ(join(load_own("federation:\n"
                          "- url: http://a\n"
                          "  match: [up]\n"
                          "- name: b/c\n"
                          "  url: 'x y'\n"
                          "  labels: {'': v}\n"
                          "  more: 1\n")
                     .errors),
            "/e/t.yml:2:3: federation[0]: name for federation is empty\n"
            "/e/t.yml:4:3: federation[1].name: must be at most 80 of a-z A-Z 0-9 - _ .\n"
            "/e/t.yml:4:3: federation[1]: match for federation is empty\n"
            "/e/t.yml:5:3: federation[1].url: must not hold spaces or control characters\n"
            "/e/t.yml:6:12: federation[1].labels[\"\"]: \"\" is not a valid label name\n"
            "/e/t.yml:7:3: federation[1].more: unknown field");
  support::sim_file_system fs(1);
  auto options = no_environment();
  options.own_file = "/e/none.yml";
  EXPECT_EQ(parse_config("", "c.yml", fs, options).value, nullptr);
}

TEST(own_config, a_rule_of_stream_aggregation) {
  const auto loaded = load_own(
      "stream_aggregation:\n"
      "- name: requests\n"
      "  match: ['m{a=\"b\"}']\n"
      "  interval: 1m30s\n"
      "  by: [x, y]\n"
      "  outputs: [rate_sum, 'quantiles(0.5, 1)']\n"
      "  keep_input: false\n"
      "  dedup_interval: 30s\n"
      "  ignore_first_sample_interval: 0s\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  ASSERT_EQ(loaded.value->own.stream_aggregation.size(), 1u);
  const auto& r = loaded.value->own.stream_aggregation[0];
  EXPECT_EQ(r.name, "requests");
  EXPECT_EQ(r.interval_ms, 90'000);
  EXPECT_EQ(r.by, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(r.outputs, (std::vector<std::string>{"rate_sum", "quantiles(0.5, 1)"}));
  EXPECT_FALSE(r.keep_input);
  EXPECT_EQ(r.dedup_interval_ms, 30'000);
  EXPECT_EQ(r.ignore_first_sample_interval_ms, 0);
  EXPECT_EQ(r.max_wait_ms, 15'000);
}

TEST(own_config, errors_of_stream_aggregation_have_their_place) {
  EXPECT_EQ(
      join(load_own("stream_aggregation:\n"
                    "- match: [m]\n"
                    "  interval: 100ms\n"
                    "  by: [a]\n"
                    "  without: [b]\n"
                    "  outputs: [sum, 'quantiles(2)', avg, avg, quantiles]\n"
                    "- name: x\n"
                    "  interval: 1m\n"
                    "  match: ['m{']\n"
                    "  outputs: [min, max]\n"
                    "  keep_metric_names: true\n"
                    "  dedup_interval: 7s\n"
                    "  staleness_interval: 1s\n"
                    "- name: x\n"
                    "  outputs: []\n"
                    "  interval: soon\n")
               .errors),
      "/e/t.yml:2:3: stream_aggregation[0]: name for stream_aggregation is empty\n"
      "/e/t.yml:3:3: stream_aggregation[0].interval: must be at least 1s\n"
      "/e/t.yml:5:3: stream_aggregation[0].without: by and without exclude each other\n"
      "/e/t.yml:6:13: stream_aggregation[0].outputs[0]: unknown output \"sum\"\n"
      "/e/t.yml:6:18: stream_aggregation[0].outputs[1]: \"2\" is no quantile between 0 and 1\n"
      "/e/t.yml:6:39: stream_aggregation[0].outputs[3]: the output is there twice\n"
      "/e/t.yml:6:44: stream_aggregation[0].outputs[4]: quantiles needs its quantiles in "
      "parentheses: \"quantiles(0.5, 0.99)\"\n"
      "/e/t.yml:9:11: stream_aggregation[1].match[0]: no selector\n"
      "/e/t.yml:11:3: stream_aggregation[1].keep_metric_names: needs a single output: others would "
      "have the same name\n"
      "/e/t.yml:12:3: stream_aggregation[1].dedup_interval: interval must be a multiple of it\n"
      "/e/t.yml:13:3: stream_aggregation[1].staleness_interval: must not be shorter than interval\n"
      "/e/t.yml:14:3: stream_aggregation[2]: match for stream_aggregation is empty\n"
      "/e/t.yml:14:3: stream_aggregation[2]: outputs for stream_aggregation are empty\n"
      "/e/t.yml:14:3: stream_aggregation[2].name: \"x\" is there twice\n"
      "/e/t.yml:16:13: stream_aggregation[2].interval: not a valid duration string: \"soon\"");
}

TEST(own_config, outputs_of_stream_aggregation) {
  EXPECT_EQ(parse_aggregation_output("quantiles(0,0.5 , 1e-1)")->phis,
            (std::vector<double>{0, 0.5, 0.1}));
  for (const auto name : {"avg", "count_samples", "histogram_bucket", "unique_samples"})
    EXPECT_EQ(to_string(parse_aggregation_output(name)->function), name);
  for (const auto bad : {"", "AVG", "quantiles", "quantiles()", "quantiles(x)", "quantiles(0.5",
                         "quantiles(nan)", "quantiles(0.5,0.5)", "quantiles(-0.1)"})
    EXPECT_FALSE(parse_aggregation_output(bad).ok()) << bad;
}

TEST(own_config, kafka_and_what_goes_in_and_out) {
  const auto loaded = load_own(
      "kafka:\n"
      "- name: main\n"
      "  brokers: [a:9092, b:9092]\n"
      "  tls: true\n"
      "  sasl: {mechanism: PLAIN, username: u, password: p}\n"
      "  settings: {linger.ms: '5'}\n"
      "publish:\n"
      "- {name: out, kafka: main, topic: t, match: [up], format: remote_write_2, keep: 1GB}\n"
      "consume:\n"
      "- {name: in, kafka: main, topic: u, labels: {region: x}, from_beginning: false}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const own_config& c = loaded.value->own;
  ASSERT_EQ(c.kafka.size(), 1u);
  EXPECT_EQ(c.kafka[0].brokers, (std::vector<std::string>{"a:9092", "b:9092"}));
  EXPECT_TRUE(c.kafka[0].tls);
  EXPECT_EQ(c.kafka[0].sasl.username, "u");
  EXPECT_EQ(c.kafka[0].settings.at("linger.ms"), "5");
  ASSERT_EQ(c.publish.size(), 1u);
  EXPECT_EQ(c.publish[0].format, record_format::remote_write_2);
  EXPECT_EQ(c.publish[0].keep_bytes, 1ull << 30);
  EXPECT_EQ(c.publish[0].partitions, 16u);
  ASSERT_EQ(c.consume.size(), 1u);
  EXPECT_FALSE(c.consume[0].from_beginning);
  EXPECT_EQ(c.consume[0].labels.at("region"), "x");
}

TEST(own_config, bad_kafka_says_where) {
  EXPECT_EQ(
      join(load_own("kafka:\n"
                    "- name: main\n"
                    "  settings: {acks: '0'}\n"
                    "  sasl: {username: u}\n"
                    "- name: other\n"
                    "  brokers: ['a,b']\n"
                    "  tls_config: {insecure_skip_verify: true}\n"
                    "publish:\n"
                    "- {name: x, kafka: none, topic: 'a b', partitions: 0}\n"
                    "consume:\n"
                    "- {name: y, kafka: main}\n")
               .errors),
      "/e/t.yml:2:3: kafka[0]: brokers for kafka are empty\n"
      "/e/t.yml:3:14: kafka[0].settings.acks: \"acks\" is no setting of librdkafka that can be "
      "changed here\n"
      "/e/t.yml:4:3: kafka[0].sasl: mechanism is empty\n"
      "/e/t.yml:6:13: kafka[1].brokers[0]: must be host:port\n"
      "/e/t.yml:7:3: kafka[1].tls_config: needs tls: true\n"
      "/e/t.yml:9:13: publish[0].kafka: there is no cluster \"none\" under kafka\n"
      "/e/t.yml:9:26: publish[0].topic: must be at most 249 of a-z A-Z 0-9 - _ .\n"
      "/e/t.yml:9:40: publish[0].partitions: must be from 1 to 256\n"
      "/e/t.yml:11:3: consume[0]: topic is empty");
}

TEST(own_config, regions_stand_for_blocks) {
  const auto loaded = load_own(
      "kafka:\n"
      "- {name: main, brokers: [a:9092]}\n"
      "region: {name: e.1, partitions: 4}\n"
      "regions:\n"
      "- {name: west, kafka: main}\n"
      "- {name: north, kafka: main, topic: mirror.north}\n"
      "- {name: south, url: 'http://south:9090'}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const own_config& c = loaded.value->own;
  ASSERT_EQ(c.publish.size(), 1u);
  EXPECT_EQ(c.publish[0].name, "region-main");
  EXPECT_EQ(c.publish[0].topic, "troupe.e.1");
  EXPECT_EQ(c.publish[0].partitions, 4u);
  EXPECT_EQ(c.publish[0].match, (std::vector<std::string>{R"({__name__=~".+",region=~"|e\\.1"})"}));
  EXPECT_EQ(c.publish[0].labels.at("region"), "e.1");
  ASSERT_EQ(c.consume.size(), 2u);
  EXPECT_EQ(c.consume[0].topic, "troupe.west");
  EXPECT_EQ(c.consume[1].topic, "mirror.north");
  ASSERT_EQ(c.federation.size(), 1u);
  EXPECT_EQ(c.federation[0].name, "south");
  EXPECT_EQ(c.federation[0].labels.at("region"), "south");
}

TEST(own_config, bad_regions_say_where) {
  EXPECT_EQ(join(load_own("kafka:\n"
                          "- {name: main, brokers: [a:9092]}\n"
                          "consume:\n"
                          "- {name: west, kafka: main, topic: t}\n"
                          "regions:\n"
                          "- {name: west, kafka: main}\n"
                          "- {name: east, kafka: none}\n"
                          "- {name: both, kafka: main, url: 'http://x'}\n")
                     .errors),
            "/e/t.yml:1:1: region: name for region is empty\n"
            "/e/t.yml:6:4: regions[0].name: \"west\" is the name of a block of consume\n"
            "/e/t.yml:7:16: regions[1].kafka: there is no cluster \"none\" under kafka\n"
            "/e/t.yml:8:3: regions[2]: exactly one of kafka & url must be configured");
}

TEST(own_config, regions_of_the_global_view) {
  const auto loaded = load_own(
      "region: {name: here}\n"
      "global_view:\n"
      "- name: eu\n"
      "  urls: ['http://eu-a:9090', 'http://eu-b:9090/prefix']\n"
      "  timeout: 30s\n"
      "  max_concurrent: 2\n"
      "  max_answer_bytes: 1MiB\n"
      "  headers: {X-Scope: a}\n"
      "  basic_auth: {username: u, password_file: pw}\n"
      "- {name: us, urls: ['http://us:9090']}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  ASSERT_EQ(loaded.value->own.global_view.size(), 2u);
  const auto& eu = loaded.value->own.global_view[0];
  EXPECT_EQ(eu.urls, (std::vector<std::string>{"http://eu-a:9090", "http://eu-b:9090/prefix"}));
  EXPECT_EQ(eu.timeout_ms, 30'000);
  EXPECT_EQ(eu.max_concurrent, 2u);
  EXPECT_EQ(eu.max_answer_bytes, 1u << 20);
  EXPECT_EQ(eu.headers.at("X-Scope"), "a");
  EXPECT_EQ(eu.client.basic_auth->password_file, "/e/pw");
  const auto& us = loaded.value->own.global_view[1];
  EXPECT_EQ(us.timeout_ms, 0);
  EXPECT_EQ(us.max_concurrent, 8u);
  EXPECT_EQ(us.max_answer_bytes, 256ull << 20);
}

TEST(own_config, a_bad_global_view_says_where) {
  EXPECT_EQ(
      join(load_own("region: {name: here}\n"
                    "global_view:\n"
                    "- {name: here, urls: ['http://a', 'http://a', 'a:9090']}\n"
                    "- {name: local}\n"
                    "- {name: eu, urls: ['http://a'], max_concurrent: 0, max_answer_bytes: 0}\n"
                    "- {name: eu, urls: ['http://a'], headers: {Authorization: x}}\n"
                    "- {name: 'a,b', urls: ['http://a']}\n")
               .errors),
      "/e/t.yml:3:4: global_view[0].name: \"here\" is this node's region\n"
      "/e/t.yml:3:35: global_view[0].urls[1]: is there twice\n"
      "/e/t.yml:3:47: global_view[0].urls[2]: must be an absolute URL\n"
      "/e/t.yml:4:3: global_view[1]: urls for global_view are empty\n"
      "/e/t.yml:4:4: global_view[1].name: \"local\" stands for this node in queries\n"
      "/e/t.yml:5:34: global_view[2].max_concurrent: must be from 1 to 1024\n"
      "/e/t.yml:5:53: global_view[2].max_answer_bytes: must not be 0\n"
      "/e/t.yml:6:4: global_view[3].name: \"eu\" is there twice\n"
      "/e/t.yml:6:44: global_view[3].headers.Authorization: authorization header must be changed "
      "via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter\n"
      "/e/t.yml:7:4: global_view[4].name: must be at most 80 of a-z A-Z 0-9 - _ .");
}

TEST(own_config, regions_do_not_share_a_place) {
  EXPECT_EQ(join(load_own("kafka:\n"
                          "- {name: main, brokers: [a:9092]}\n"
                          "- {name: other, brokers: [b:9092]}\n"
                          "region: {name: east}\n"
                          "regions:\n"
                          "- {name: west, kafka: main}\n"
                          "- {name: mirror, kafka: other, topic: troupe.west}\n"
                          "- {name: north, kafka: main, topic: troupe.west}\n"
                          "- {name: south, kafka: main, topic: troupe.east}\n"
                          "- {name: a, url: 'http://x:9090'}\n"
                          "- {name: b, url: 'http://x:9090'}\n")
                     .errors),
            "/e/t.yml:8:30: regions[2].topic: \"troupe.west\" is where region \"west\" is\n"
            "/e/t.yml:9:30: regions[3].topic: \"troupe.east\" is the topic of this node's region\n"
            "/e/t.yml:11:13: regions[5].url: \"http://x:9090\" is where region \"a\" is");
}

}  // namespace
}  // namespace troupe::config
