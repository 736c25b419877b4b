// remote_write pointed at topics of Kafka.
#include "config/topic_stream.h"

#include "config/check.h"
#include "tests/config/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view clusters =
    "kafka: [{name: main, brokers: ['k1:9092']}]\n"
    "publish: [{name: own, kafka: main, topic: taken}]\n";

loaded_config load_with(std::string_view text, std::string_view own = clusters) {
  support::sim_file_system fs(1);
  EXPECT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/t.yml", std::string(own));
  load_options options = no_environment();
  options.own_file = "/e/t.yml";
  return parse_config(text, "c.yml", fs, options);
}

std::string errors_with(std::string_view text) {
  return join(load_with(text).errors);
}

TEST(topic_stream, a_url_names_a_cluster_or_brokers_and_a_topic) {
  EXPECT_TRUE(is_topic_url("KAFKA://main/t"));
  EXPECT_FALSE(is_topic_url("http://kafka://main/t"));
  const auto named = parse_topic_url("kafka://main/metrics.all");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->cluster, "main");
  EXPECT_EQ(named->topic, "metrics.all");
  EXPECT_TRUE(named->brokers.empty());
  const auto direct = parse_topic_url("kafka://k1:9092,[::1]:9093/t");
  ASSERT_TRUE(direct.ok());
  EXPECT_EQ(direct->cluster, "");
  EXPECT_THAT(direct->brokers, ElementsAre("k1:9092", "[::1]:9093"));
  for (const auto bad :
       {"kafka://", "kafka://main", "kafka://main/", "kafka:///t", "kafka://main/a/b",
        "kafka://main/t?x=1", "kafka://u:p@main/t", "kafka://k1:9092,k2/t", "kafka://k1:/t",
        "kafka://:9092/t", "kafka://k1:9092,/t", "kafka://k1:x/t", "kafka://a:b:1/t",
        "kafka://main/..", "http://main/t"})
    EXPECT_FALSE(parse_topic_url(bad).ok()) << bad;
}

TEST(topic_stream, a_block_of_remote_write_becomes_one) {
  const auto loaded = load_with(
      "remote_write:\n"
      "- url: http://a/write\n"
      "- url: kafka://main/one\n"
      "  name: first\n"
      "  send_exemplars: true\n"
      "  write_relabel_configs: [{regex: a, action: labeldrop}]\n"
      "- url: kafka://k1:1,k2:2/two\n"
      "  name: 'not / a file'\n"
      "  protobuf_message: io.prometheus.write.v2.Request\n"
      "  send_native_histograms: true\n"
      "  queue_config: {sample_age_limit: 1h}\n"
      "- url: kafka://main/three\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  EXPECT_TRUE(loaded.warnings.empty());
  const auto all = topic_streams(*loaded.value);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].to, loaded.value->own.publish[0]);
  EXPECT_TRUE(all[0].histograms && all[0].exemplars && all[0].relabelling.empty());
  EXPECT_EQ(all[1].to.name, "remote_write-first");
  EXPECT_EQ(all[1].to.topic, "one");
  EXPECT_EQ(all[1].to.format, record_format::remote_write);
  EXPECT_EQ(all[1].cluster, loaded.value->own.kafka[0]);
  EXPECT_EQ(all[1].relabelling.size(), 1u);
  EXPECT_TRUE(all[1].exemplars);
  EXPECT_FALSE(all[1].histograms);
  EXPECT_THAT(all[2].cluster.brokers, ElementsAre("k1:1", "k2:2"));
  EXPECT_EQ(all[2].to.format, record_format::remote_write_2);
  EXPECT_EQ(all[2].to.name.size(), std::string("remote_write-").size() + 16);
  EXPECT_EQ(all[2].age_limit_ms, 3'600'000);
  EXPECT_TRUE(all[2].histograms);
  EXPECT_NE(all[3].to.name, all[2].to.name);
  EXPECT_FALSE(all[3].exemplars || all[3].histograms);
}

TEST(topic_stream, errors_have_their_place_in_the_file) {
  EXPECT_EQ(errors_with("remote_write:\n- name: a\n  url: kafka://mian/t\n"),
            "c.yml:3:3: remote_write[0].url: there is no cluster \"mian\" under kafka in "
            "--troupe.config.file");
  EXPECT_EQ(errors_of("remote_write:\n- url: kafka://main/t\n"),
            "c.yml:2:3: remote_write[0].url: there is no cluster \"main\" under kafka in "
            "--troupe.config.file");
  EXPECT_EQ(errors_of("remote_write:\n- url: kafka://k:1/t\n"), "");
  EXPECT_THAT(errors_with("remote_write:\n- url: kafka://main/\n"),
              HasSubstr("c.yml:2:3: remote_write[0].url: must be kafka://CLUSTER/TOPIC"));
  EXPECT_THAT(errors_with("remote_write:\n- url: kafka://u:p@main/t\n"),
              HasSubstr("must not hold credentials"));
  EXPECT_EQ(errors_with("remote_write:\n- url: kafka://main/taken\n"),
            "c.yml:2:3: remote_write[0].url: the block \"own\" of publish writes into this topic "
            "already");
  EXPECT_EQ(errors_with("remote_write:\n- {url: kafka://main/t, name: a}\n"
                        "- {url: kafka://main/t, name: b}\n"),
            "c.yml:3:4: remote_write[1].url: remote_write[0] writes into this topic already");
  EXPECT_EQ(join(load_with("remote_write:\n- {url: kafka://main/t, name: a}\n",
                           "kafka: [{name: main, brokers: ['k1:9092']}]\n"
                           "publish: [{name: remote_write-a, kafka: main, topic: x}]\n")
                     .errors),
            "c.yml:2:25: remote_write[0].name: \"remote_write-a\" is the name of a block of "
            "publish");
  EXPECT_THAT(errors_of("remote_read: [{url: kafka://main/t}]\n"),
              HasSubstr("scheme must be 'http' or 'https'"));
}

TEST(topic_stream, keys_that_mean_nothing_for_a_topic_are_refused_or_told) {
  EXPECT_EQ(errors_with("remote_write:\n"
                        "- url: kafka://main/t\n"
                        "  basic_auth: {username: u, password: p}\n"
                        "- url: http://a\n"
                        "  basic_auth: {username: u, password: p}\n"),
            "c.yml:3:3: remote_write[0].basic_auth: means nothing for a topic of Kafka: TLS and "
            "credentials are those of the cluster under kafka");
  for (const auto key : {"headers: {a: b}", "tls_config: {insecure_skip_verify: true}",
                         "sigv4: {region: r}", "proxy_url: 'http://p'", "bearer_token: x"})
    EXPECT_THAT(errors_with("remote_write:\n- url: kafka://main/t\n  " + std::string(key) + "\n"),
                HasSubstr("means nothing for a topic"))
        << key;
  const auto told = load_with(
      "remote_write:\n"
      "- url: kafka://main/t\n"
      "  remote_timeout: 5s\n"
      "  queue_config:\n"
      "    sample_age_limit: 1h\n"
      "    max_shards: 3\n"
      "- url: http://a\n"
      "  remote_timeout: 5s\n");
  ASSERT_NE(told.value, nullptr) << join(told.errors);
  EXPECT_THAT(told.warnings,
              ElementsAre("remote_write[0].remote_timeout has no effect on a topic of Kafka "
                          "(c.yml:3:3)",
                          "remote_write[0].queue_config.max_shards has no effect on a topic of "
                          "Kafka (c.yml:6:5)"));
}

TEST(topic_stream, a_check_without_the_own_file_takes_clusters_as_they_are_named) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  std::string out, err;
  fs.put("/e/a.yml", "remote_write: [{url: kafka://main/t}, {url: 'kafka://k:1/t'}]\n");
  EXPECT_EQ(check_config_files({{"/e/a.yml"}, false}, fs, no_environment(), out, err), 0) << err;
  fs.put("/e/b.yml", "remote_write: [{url: kafka://main/t}, {url: kafka://main/t}]\n");
  EXPECT_EQ(check_config_files({{"/e/b.yml"}, false}, fs, no_environment(), out, err), 1);
}

}  // namespace
}  // namespace troupe::config
