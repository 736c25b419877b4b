#include "pipeline/kafka/rd_settings.h"

#include "pipeline/kafka/rd_cluster.h"
#include "storage/base/clock.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace troupe::kafka {
namespace {

config::kafka_config minimal() {
  config::kafka_config c;
  c.name = "main";
  c.brokers = {"a:9092", "b:9093"};
  return c;
}

std::string value(const rd_conf& conf, const char* key) {
  char text[4096];
  size_t size = sizeof text;
  if (rd_kafka_conf_get(conf.get(), key, text, &size) != RD_KAFKA_CONF_OK)
    return "?";
  return text;
}

class RdSettings : public testing::Test {
 protected:
  rd_conf made(rd_kind kind, const config::kafka_config& c) {
    auto conf = make_rd_conf(kind, c, files_);
    EXPECT_TRUE(conf.ok()) << conf.error().to_string();
    return conf.ok() ? std::move(*conf) : nullptr;
  }
  status refused(const config::kafka_config& c, rd_kind kind = rd_kind::producer) {
    auto conf = make_rd_conf(kind, c, files_);
    EXPECT_FALSE(conf.ok());
    return conf.ok() ? ok_status() : conf.error();
  }
  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(files_, path, text).ok());
  }

  support::sim_file_system files_{1};
};

TEST_F(RdSettings, AProducerIsSafe) {
  const auto conf = made(rd_kind::producer, minimal());
  EXPECT_EQ(value(conf, "bootstrap.servers"), "a:9092,b:9093");
  EXPECT_EQ(value(conf, "security.protocol"), "plaintext");
  EXPECT_EQ(value(conf, "enable.idempotence"), "true");
  EXPECT_EQ(value(conf, "acks"), "-1");
  EXPECT_EQ(value(conf, "message.timeout.ms"), "0");
  EXPECT_EQ(value(conf, "compression.codec"), "none");
  EXPECT_EQ(value(conf, "linger.ms"), "20");
  EXPECT_EQ(value(conf, "queue.buffering.max.kbytes"), "65536");
  EXPECT_EQ(value(conf, "allow.auto.create.topics"), "false");
  EXPECT_EQ(rd_number(*conf, "queue.buffering.max.kbytes"), 65536U);
}

TEST_F(RdSettings, AConsumerIsSafe) {
  const auto conf = made(rd_kind::consumer, minimal());
  EXPECT_EQ(value(conf, "enable.auto.commit"), "false");
  EXPECT_EQ(value(conf, "enable.auto.offset.store"), "false");
  EXPECT_EQ(value(conf, "auto.offset.reset"), "error");
  EXPECT_EQ(value(conf, "check.crcs"), "true");
  EXPECT_EQ(value(conf, "queued.max.messages.kbytes"), "4096");
}

TEST_F(RdSettings, TheUsersSettingsCountForTheirKind) {
  auto c = minimal();
  c.settings = {{"linger.ms", "7"}, {"compression.codec", "zstd"}, {"fetch.wait.max.ms", "33"}};
  const auto writing = made(rd_kind::producer, c);
  EXPECT_EQ(value(writing, "linger.ms"), "7");
  EXPECT_EQ(value(writing, "compression.codec"), "zstd");
  EXPECT_EQ(value(writing, "fetch.wait.max.ms"), "500");
  EXPECT_EQ(value(made(rd_kind::consumer, c), "fetch.wait.max.ms"), "33");
}

TEST_F(RdSettings, WhatLibrdkafkaRefusesIsNamed) {
  for (const auto kind : {rd_kind::producer, rd_kind::consumer}) {
    auto c = minimal();
    c.settings = {{"fetch.wait.max.ms", "soon"}};
    EXPECT_EQ(refused(c, kind).code(), errc::invalid_argument);
    EXPECT_THAT(std::string(refused(c, kind).message()),
                testing::HasSubstr("kafka \"main\": fetch.wait.max.ms: "));
    c.settings = {{"linger.ms", "-1"}};
    EXPECT_THAT(std::string(refused(c, kind).message()), testing::HasSubstr("linger.ms: "));
  }
}

TEST_F(RdSettings, WhatDoesNotFitTogetherIsRefused) {
  auto c = minimal();
  c.settings = {{"reconnect.backoff.ms", "100"}, {"reconnect.backoff.max.ms", "10"}};
  const system_clock time;
  const auto connections = make_rd_connector(time, files_);
  const auto p = connections->make_producer(c, {.name = "t"});
  ASSERT_FALSE(p.ok());
  EXPECT_EQ(p.code(), errc::invalid_argument);
  EXPECT_THAT(std::string(p.error().message()), testing::HasSubstr("reconnect.backoff.max.ms"));
  EXPECT_EQ(connections->make_consumer(c, "t").code(), errc::invalid_argument);
}

TEST_F(RdSettings, ThePasswordMayLieInAFile) {
  auto c = minimal();
  c.sasl = {"SCRAM-SHA-256", "joe", secret(), "pw"};
  EXPECT_EQ(refused(c).code(), errc::not_found);
  EXPECT_THAT(std::string(refused(c).message()), testing::HasSubstr("sasl.password_file"));
  write("pw", "s3cret\r\n");
  const auto conf = made(rd_kind::consumer, c);
  EXPECT_EQ(value(conf, "security.protocol"), "sasl_plaintext");
  EXPECT_EQ(value(conf, "sasl.mechanism"), "SCRAM-SHA-256");
  EXPECT_EQ(value(conf, "sasl.username"), "joe");
  EXPECT_EQ(value(conf, "sasl.password"), "s3cret");
  write("pw", "\n");
  EXPECT_EQ(refused(c).code(), errc::invalid_argument);
}

TEST_F(RdSettings, TlsIsPassedOn) {
  auto c = minimal();
  c.tls = true;
  EXPECT_EQ(value(made(rd_kind::producer, c), "security.protocol"), "ssl");
  c.tls_settings.insecure_skip_verify = true;
  c.tls_settings.ca_file = "ca.pem";
  EXPECT_EQ(refused(c).code(), errc::not_found);
  write("ca.pem", "-");
  c.sasl = {"PLAIN", "joe", secret("pw"), ""};
  const auto conf = made(rd_kind::producer, c);
  EXPECT_EQ(value(conf, "security.protocol"), "sasl_ssl");
  EXPECT_EQ(value(conf, "ssl.ca.location"), "ca.pem");
  EXPECT_EQ(value(conf, "enable.ssl.certificate.verification"), "false");
}

TEST_F(RdSettings, ScramOfAnOldLibraryMayBeRefusedForAnotherReasonThanThePassword) {
  constexpr int debian = 0x020002ff, repaired = 0x020601ff;
  auto c = minimal();
  const auto hint = [&](int version) {
    return std::string(refusal_hint(*made(rd_kind::consumer, c), version));
  };
  EXPECT_EQ(hint(debian), "");
  c.sasl = {"SCRAM-SHA-256", "joe", secret("pw"), ""};
  EXPECT_NE(hint(debian).find("2.6.1"), std::string::npos);
  EXPECT_EQ(hint(repaired), "");
  c.sasl.mechanism = "PLAIN";
  EXPECT_EQ(hint(debian), "");
}

TEST_F(RdSettings, WhatTlsCannotDoIsRefused) {
  auto c = minimal();
  c.tls = true;
  c.tls_settings.server_name = "a";
  EXPECT_EQ(refused(c).code(), errc::invalid_argument);
  c.tls_settings.server_name.clear();
  c.tls_settings.min_version = "TLS13";
  EXPECT_EQ(refused(c).code(), errc::invalid_argument);
}

TEST_F(RdSettings, ARefusedSecretIsNotShown) {
  auto c = minimal();
  c.tls = true;
  c.tls_settings.key = secret("no key, but secret");
  const system_clock time;
  const auto made = make_rd_connector(time, files_)->make_producer(c, {.name = "t"});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.code(), errc::invalid_argument);
  EXPECT_EQ(made.error().message().find("but secret"), std::string_view::npos);
}

}  // namespace
}  // namespace troupe::kafka
