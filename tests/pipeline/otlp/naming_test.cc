// Expectations are those of github.com/prometheus/otlptranslator's tests and rules.
#include "pipeline/otlp/naming.h"

#include <gtest/gtest.h>

namespace troupe::otlp {
namespace {

struct named {
  const char* name;
  const char* unit;
  metric_kind kind;
  const char* expected;
  bool monotonic = false;
};

std::string name_of(const named& n, const name_rules& rules) {
  metric m;
  m.name = n.name;
  m.unit = n.unit;
  m.kind = n.kind;
  m.monotonic = n.monotonic;
  auto got = metric_name(m, rules);
  return got.ok() ? *got : "error: " + std::string(got.error().message());
}

constexpr auto gauge = metric_kind::gauge;
constexpr auto sum = metric_kind::sum;
constexpr auto histogram = metric_kind::histogram;

TEST(naming, escaped_with_suffixes) {
  const named cases[] = {
      {"active_directory.ds.replication.network.io", "By", sum,
       "active_directory_ds_replication_network_io_bytes_total", true},
      {"apache.uptime", "s", sum, "apache_uptime_seconds"},
      {"redis.keyspace.hits", "", sum, "redis_keyspace_hits_total", true},
      {"system.disk.operation_time", "s", sum, "system_disk_operation_time_seconds_total", true},
      {"hw.gpu.memory.utilization", "1", gauge, "hw_gpu_memory_utilization_ratio"},
      {"a.ratio.b", "1", gauge, "a_b_ratio"},
      {"system.filesystem.utilization", "%", gauge, "system_filesystem_utilization_percent"},
      {"total.requests", "1", sum, "requests_total", true},
      {"packet", "{packets}/s", gauge, "packet_per_second"},
      {"broken.metric.speed.km", "km/h", gauge, "broken_metric_speed_km_per_hour"},
      {"fluid.rate", "m3/s", gauge, "fluid_rate_m3_per_second"},
      {"unsupported", "\u00b0F", gauge, "unsupported_F"},
      {"unsupported.redundant", "_F", gauge, "unsupported_redundant_F"},
      {"unsupported", "+=.:,!* & #", gauge, "unsupported_:_"},
      {"speed", "By / s", gauge, "speed_bytes_per_second"},
      {"m", "test/+", gauge, "m_test"},
      {"m", "/s", gauge, "m_per_second"},
      {"bytes.seconds", "By/s", gauge, "bytes_seconds_per_second"},
      {"__a__b__", "", gauge, "a_b"},
      {"1st", "", gauge, "_1st"},
      {"a:b", "", gauge, "a:b"},
      {"temp\u00e9rature", "Cel", gauge, "temp_rature_celsius"},
      {"http.server.duration", "s", histogram, "http_server_duration_seconds"},
      {"\u00e9", "", gauge, "error: normalization for metric \"\u00e9\" resulted in empty name"},
      {"", "", gauge, "error: normalization for metric \"\" resulted in empty name"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(name_of(c, {}), c.expected) << c.name;
}

TEST(naming, escaped_without_suffixes) {
  name_rules rules;
  rules.suffixes = false;
  const named cases[] = {
      {"a.b", "s", sum, "a_b", true},
      {"a..b__c", "1", gauge, "a_b__c"},
      {"1a", "", gauge, "_1a"},
      {"___", "", gauge, "___"},
      {".___", "", gauge,
       "error: normalization for metric \".___\" resulted in invalid name "
       "\"___\""},
  };
  for (const auto& c : cases)
    EXPECT_EQ(name_of(c, rules), c.expected) << c.name;
}

TEST(naming, utf8_with_suffixes) {
  name_rules rules;
  rules.escape = false;
  const named cases[] = {
      {"a.b", "s", sum, "a.b_seconds_total", true},
      {"a.total", "s", sum, "a_seconds_total", true},
      {"a.seconds", "s", gauge, "a.seconds"},
      {"a", "By/s", sum, "a_bytes_per_second_total", true},
      {"a_per_second", "By/s", gauge, "a_bytes_per_second"},
      {"a.ratio", "1", gauge, "a_ratio"},
      {"total", "", sum, "total_total", true},
      {"\u00e9", "\u00b0F", gauge, "\u00e9_\u00b0F"},
      {"", "", gauge, ""},
  };
  for (const auto& c : cases)
    EXPECT_EQ(name_of(c, rules), c.expected) << c.name;
  rules.suffixes = false;
  EXPECT_EQ(name_of({"a.b", "s", sum, "", true}, rules), "a.b");
}

std::string label_of(std::string_view attribute, const name_rules& rules = {}) {
  auto got = label_name(attribute, rules);
  return got.ok() ? *got : "error: " + std::string(got.error().message());
}

TEST(naming, labels) {
  EXPECT_EQ(label_of("http.method"), "http_method");
  EXPECT_EQ(label_of("1st"), "key_1st");
  EXPECT_EQ(label_of("_a"), "key_a");
  EXPECT_EQ(label_of("__a"), "__a");
  EXPECT_EQ(label_of("__res.erved__"), "__res_erved__");
  EXPECT_EQ(label_of("a..b\u00e9"), "a__b_");
  EXPECT_EQ(label_of("a:b"), "a_b");
  EXPECT_EQ(label_of(std::string_view("a\xff\xfe", 3)), "a__");
  EXPECT_EQ(label_of(""), "error: label name is empty");
  EXPECT_EQ(label_of(".."),
            "error: normalization for label name \"..\" resulted in invalid name \"__\"");
  name_rules rules;
  rules.sanitize_underscores = false;
  EXPECT_EQ(label_of("_a", rules), "_a");
  rules.keep_underscores = false;
  EXPECT_EQ(label_of("a..b__c", rules), "a_b_c");
  EXPECT_EQ(label_of("__a..b__", rules), "__a_b__");
  EXPECT_EQ(label_of("__a", rules), "_a");
  EXPECT_EQ(label_of("____", rules),
            "error: normalization for label name \"____\" resulted in invalid name \"____\"");
  rules.escape = false;
  EXPECT_EQ(label_of("a.b\u00e9", rules), "a.b\u00e9");
  EXPECT_EQ(label_of("__", rules), "error: label name \"__\" contains only underscores");
}

TEST(naming, units) {
  const std::pair<const char*, const char*> cases[] = {{"s", "seconds"},
                                                       {"By/s", "bytes_per_second"},
                                                       {"1", ""},
                                                       {"", ""},
                                                       {"{x}", ""},
                                                       {"{x}/s", "per_second"},
                                                       {"req/w", "req_per_week"},
                                                       {"%", "percent"},
                                                       {"a b", "a_b"},
                                                       {"_x_", "x"},
                                                       {"/", ""}};
  for (const auto& [unit, expected] : cases)
    EXPECT_EQ(unit_name(unit), expected) << unit;
}

}  // namespace
}  // namespace troupe::otlp
