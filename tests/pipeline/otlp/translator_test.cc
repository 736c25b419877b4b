// What metrics of OpenTelemetry become. Expectations are those of Prometheus'
// storage/remote/otlptranslator/prometheusremotewrite.
#include "pipeline/otlp/translator.h"

#include "config/telemetry_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::otlp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Attributes from "k=v k=v".
std::string attributes(const std::string& pairs) {
  std::string out;
  size_t at = 0;
  while (at < pairs.size()) {
    const size_t end = std::min(pairs.find(' ', at), pairs.size()), equals = pairs.find('=', at);
    out += fmt::format(R"({}{{"key":"{}","value":{{"stringValue":"{}"}}}})", out.empty() ? "" : ",",
                       pairs.substr(at, equals - at), pairs.substr(equals + 1, end - equals - 1));
    at = end + 1;
  }
  return "[" + out + "]";
}
std::string request(const std::string& resource, const std::string& metrics,
                    const std::string& scope = "{}") {
  return fmt::format(R"({{"resourceMetrics":[{{"resource":{{"attributes":{}}},)"
                     R"("scopeMetrics":[{{"scope":{},"schemaUrl":"url","metrics":[{}]}}]}}]}})",
                     attributes(resource), scope, metrics);
}
std::string point(const std::string& pairs, const std::string& more = R"("asDouble":1)",
                  uint64_t ms = 1000) {
  return fmt::format(R"({{"timeUnixNano":"{}000000","attributes":{},{}}})", ms, attributes(pairs),
                     more);
}
std::string gauge(const std::string& name, const std::string& points,
                  const std::string& unit = "") {
  return fmt::format(R"({{"name":"{}","unit":"{}","gauge":{{"dataPoints":[{}]}}}})", name, unit,
                     points);
}
std::string cumulative(const std::string& kind, const std::string& name, const std::string& points,
                       const std::string& more = R"("aggregationTemporality":2)") {
  return fmt::format(
      R"({{"name":"{}","description":"Help.","unit":"s","{}":{{"dataPoints":[{}],{}}}}})", name,
      kind, points, more);
}

class OtlpTranslator : public ::testing::Test {
 protected:
  /// Every sample as "series value@time[ since start]", sorted; then exemplars and metadata.
  std::vector<std::string> translate(const std::string& json) {
    auto got = decode_json(json, settings_of(config), known, limits);
    EXPECT_TRUE(got.ok()) << got.error().message();
    result = got.ok() ? std::move(*got) : remote::decoded_write();
    std::vector<std::string> out;
    exemplars.clear();
    metadata_texts.clear();
    for (const auto& b : result.batches)
      add(*b, out);
    std::sort(out.begin(), out.end());
    std::sort(exemplars.begin(), exemplars.end());
    std::sort(metadata_texts.begin(), metadata_texts.end());
    return out;
  }

  void add(const write_batch& b, std::vector<std::string>& out) {
    const auto name = [&](uint32_t series) { return b.table->series.at(series).to_string(); };
    auto start = b.starts.begin();
    for (size_t i = 0; i < b.floats.size(); ++i) {
      const auto& f = b.floats[i];
      out.push_back(fmt::format("{} {}@{}", name(f.series),
                                is_stale(f.value) ? "stale" : fmt::format("{}", f.value), f.ts));
      if (start != b.starts.end() && start->index == i)
        out.back() += fmt::format(" since {}", start++->start_ts);
    }
    for (const auto& h : b.histograms) {
      out.push_back(fmt::format("{} h{}@{}", name(h.series), h.value->count, h.ts));
      if (h.start_ts != no_start_timestamp)
        out.back() += fmt::format(" since {}", h.start_ts);
    }
    for (const auto& e : b.exemplars)
      exemplars.push_back(fmt::format("{} {} {}@{}", name(e.series), e.value.lset.to_string(),
                                      e.value.value, e.value.ts));
    for (const auto& m : b.metadata)
      metadata_texts.push_back(fmt::format("{} {} '{}' '{}'", m.family, to_string(m.value.type),
                                           m.value.unit, m.value.help));
  }

  manual_clock clk;
  remote::write_limits limits;
  remote::series_cache known{{}, clk};
  config::otlp_config config;
  remote::decoded_write result;
  std::vector<std::string> exemplars, metadata_texts;
};

TEST_F(OtlpTranslator, NumbersAndTheirNames) {
  EXPECT_THAT(translate(request(
                  "", gauge("mem.usage", point("http.method=GET 1st=b"), "By") + "," +
                          cumulative("sum", "req",
                                     point("", R"("asInt":"3","startTimeUnixNano":"500000000")"),
                                     R"("aggregationTemporality":2,"isMonotonic":true)") +
                          "," + cumulative("sum", "level", point("", R"("asInt":-4)")))),
              ElementsAre("level_seconds -4@1000",
                          "mem_usage_bytes{http_method=\"GET\", key_1st=\"b\"} 1@1000",
                          "req_seconds_total 3@1000 since 500"));
  EXPECT_THAT(metadata_texts, ElementsAre("level_seconds gauge 'seconds' 'Help.'",
                                          "mem_usage_bytes gauge 'bytes' ''",
                                          "req_seconds_total counter 'seconds' 'Help.'"));
}

TEST_F(OtlpTranslator, AnEndedSeriesIsStale) {
  EXPECT_THAT(translate(request("", gauge("m", point("", R"("asInt":1,"flags":1)")))),
              ElementsAre("m stale@1000"));
}

TEST_F(OtlpTranslator, JobInstanceAndTargetInfo) {
  const auto m =
      gauge("m", point("", R"("asInt":1)", 1000) + "," + point("", R"("asInt":2)", 2000));
  EXPECT_THAT(translate(request(
                  "service.name=shop service.namespace=eu service.instance.id=i7 host.name=h", m)),
              ElementsAre("m{instance=\"i7\", job=\"eu/shop\"} 1@1000",
                          "m{instance=\"i7\", job=\"eu/shop\"} 2@2000",
                          "target_info{host_name=\"h\", instance=\"i7\", job=\"eu/shop\"} 1@1000",
                          "target_info{host_name=\"h\", instance=\"i7\", job=\"eu/shop\"} 1@2000"));
  EXPECT_THAT(metadata_texts,
              ElementsAre("m gauge '' ''", "target_info gauge '' 'Target metadata'"));
  // Of no use: nothing to tell, or nothing to join with.
  EXPECT_THAT(translate(request("service.name=shop", m)),
              ElementsAre("m{job=\"shop\"} 1@1000", "m{job=\"shop\"} 2@2000"));
  EXPECT_THAT(translate(request("host.name=h", m)), ElementsAre("m 1@1000", "m 2@2000"));
  EXPECT_THAT(translate(request("service.name=shop host.name=h", "")), IsEmpty());
  config.keep_identifying_resource_attributes = true;
  EXPECT_THAT(
      translate(request("service.name=shop host.name=h", gauge("m", point("")))),
      ElementsAre("m{job=\"shop\"} 1@1000",
                  "target_info{host_name=\"h\", job=\"shop\", service_name=\"shop\"} 1@1000"));
}

TEST_F(OtlpTranslator, TargetInfoIsRepeatedEveryHalfLookback) {
  const auto points =
      gauge("m", point("", R"("asInt":1)", 1'000'000) + "," + point("", R"("asInt":2)", 1'400'000));
  EXPECT_THAT(translate(request("service.name=s a=b", points)),
              ElementsAre("m{job=\"s\"} 1@1000000", "m{job=\"s\"} 2@1400000",
                          "target_info{a=\"b\", job=\"s\"} 1@1000000",
                          "target_info{a=\"b\", job=\"s\"} 1@1150000",
                          "target_info{a=\"b\", job=\"s\"} 1@1300000",
                          "target_info{a=\"b\", job=\"s\"} 1@1400000"));
  // A clock that is far off is no reason to write for ever.
  const auto wild = gauge("m", point("", R"("asInt":1)", 0) + "," +
                                   R"({"timeUnixNano":"18446744073709551615"},)" +
                                   R"({"timeUnixNano":"9223372036854775807"})");
  EXPECT_LE(translate(request("service.name=s a=b", wild)).size(), 1010u);
}

TEST_F(OtlpTranslator, PromotedResourceAttributes) {
  const auto m = gauge("m", point("host.name=own"));
  const std::string resource = "service.name=s host.name=h os.type=linux";
  const auto of_m = [&] { return translate(request(resource, m)).at(0); };
  EXPECT_EQ(of_m(), "m{host_name=\"own\", job=\"s\"} 1@1000");
  config.promote_resource_attributes = {"os.type", "host.name", "absent"};
  EXPECT_EQ(of_m(), "m{host_name=\"own\", job=\"s\", os_type=\"linux\"} 1@1000");
  config = {};
  config.promote_all_resource_attributes = true;
  EXPECT_EQ(of_m(),
            "m{host_name=\"own\", job=\"s\", os_type=\"linux\", service_name=\"s\"} 1@1000");
  config.ignore_resource_attributes = {"service.name"};
  EXPECT_EQ(of_m(), "m{host_name=\"own\", job=\"s\", os_type=\"linux\"} 1@1000");
  EXPECT_EQ(translate(request(resource, m)).at(1),
            "target_info{host_name=\"h\", job=\"s\", os_type=\"linux\"} 1@1000");
}

TEST_F(OtlpTranslator, PromotedScopes) {
  const auto m = gauge("m", point("otel_scope_version=own job=x"));
  const std::string scope =
      R"({"name":"lib","version":"","attributes":)" + attributes("a.b=c") + "}";
  EXPECT_THAT(translate(request("", m, scope)),
              ElementsAre("m{job=\"x\", otel_scope_version=\"own\"} 1@1000"));
  config.promote_scope_metadata = true;
  EXPECT_THAT(translate(request("service.name=s", m, scope)),
              ElementsAre("m{job=\"s\", otel_scope_a_b=\"c\", otel_scope_name=\"lib\", "
                          "otel_scope_schema_url=\"url\"} 1@1000"));
  EXPECT_THAT(translate(request("", m, "{}")),
              ElementsAre("m{job=\"x\", otel_scope_version=\"own\"} 1@1000"));
}

TEST_F(OtlpTranslator, TranslationStrategies) {
  const auto m = gauge("a.b", point("c.d=1 c_d=2"), "s");
  EXPECT_THAT(translate(request("", m)), ElementsAre("a_b_seconds{c_d=\"1;2\"} 1@1000"));
  config.translation_strategy = "UnderscoreEscapingWithoutSuffixes";
  EXPECT_THAT(translate(request("", m)), ElementsAre("a_b{c_d=\"1;2\"} 1@1000"));
  config.translation_strategy = "NoUTF8EscapingWithSuffixes";
  EXPECT_THAT(translate(request("", m)),
              ElementsAre(R"({"a.b_seconds", "c.d"="1", c_d="2"} 1@1000)"));
  config.translation_strategy = "NoTranslation";
  EXPECT_THAT(translate(request("", m)), ElementsAre(R"({"a.b", "c.d"="1", c_d="2"} 1@1000)"));
  config = {};
  config.label_name_preserve_multiple_underscores = false;
  config.label_name_underscore_sanitization = false;
  EXPECT_THAT(translate(request("", gauge("m", point("a..b=1 _c=2")))),
              ElementsAre("m{_c=\"2\", a_b=\"1\"} 1@1000"));
}

TEST_F(OtlpTranslator, ClassicHistograms) {
  const auto m = cumulative(
      "histogram", "h",
      point(
          "le=mine",
          R"("startTimeUnixNano":"500000000","count":6,"sum":2.5,"bucketCounts":[1,2,3],"explicitBounds":[0.5,10],
               "exemplars":[{"asDouble":11,"timeUnixNano":"900000000"},{"asDouble":0.5,"timeUnixNano":"800000000",
               "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708",
               "filteredAttributes":[{"key":"k.x","value":{"stringValue":"v"}}]}])"));
  EXPECT_THAT(translate(request("", m)),
              ElementsAre("h_seconds_bucket{le=\"+Inf\"} 6@1000 since 500",
                          "h_seconds_bucket{le=\"0.5\"} 1@1000 since 500",
                          "h_seconds_bucket{le=\"10\"} 3@1000 since 500",
                          "h_seconds_count{le=\"mine\"} 6@1000 since 500",
                          "h_seconds_sum{le=\"mine\"} 2.5@1000 since 500"));
  EXPECT_THAT(
      exemplars,
      ElementsAre("h_seconds_bucket{le=\"+Inf\"} {} 11@900",
                  "h_seconds_bucket{le=\"0.5\"} {\"k.x\"=\"v\", "
                  "span_id=\"0102030405060708\", trace_id=\"0102030405060708090a0b0c0d0e0f10\"} "
                  "0.5@800"));
  EXPECT_THAT(metadata_texts, ElementsAre("h_seconds histogram 'seconds' 'Help.'"));
  // A sum that is not there, a bound of +Inf, fewer counts than bounds.
  EXPECT_THAT(
      translate(request(
          "", cumulative(
                  "histogram", "h",
                  point("", R"("count":3,"bucketCounts":[1,2],"explicitBounds":["+Inf",7,8])")))),
      ElementsAre("h_seconds_bucket{le=\"+Inf\"} 3@1000", "h_seconds_bucket{le=\"7\"} 3@1000",
                  "h_seconds_count 3@1000"));
}

TEST_F(OtlpTranslator, HistogramsWithCustomBuckets) {
  config.convert_histograms_to_nhcb = true;
  const auto m = cumulative(
      "histogram", "h",
      point("", R"("startTimeUnixNano":"500000000","count":6,"sum":2.5,"bucketCounts":[1,2,3],
                   "explicitBounds":[0.5,10],"exemplars":[{"asInt":3}])"));
  EXPECT_THAT(translate(request("", m)), ElementsAre("h_seconds h6@1000 since 500"));
  EXPECT_THAT(exemplars, ElementsAre("h_seconds {} 3@0"));
  // Counts that do not hold are refused alone.
  translate(
      request("", cumulative("histogram", "h",
                             point("", R"("count":9,"bucketCounts":[1],"explicitBounds":[])"))));
  EXPECT_EQ(result.refused_histograms.count, 1u);
  EXPECT_EQ(result.refused_histograms.why, "the count is not that of all buckets together");
}

TEST_F(OtlpTranslator, ExponentialHistograms) {
  const auto m = [](const std::string& more) {
    return cumulative("exponentialHistogram", "e", point("a=b", R"("count":3,"sum":4,)" + more));
  };
  EXPECT_THAT(
      translate(request("", m(R"("scale":2,"zeroCount":1,"positive":{"bucketCounts":[2]})"))),
      ElementsAre("e_seconds{a=\"b\"} h3@1000"));
  EXPECT_THAT(translate(request("", m(R"("scale":-5)"))), IsEmpty());
  EXPECT_EQ(result.refused_series.count, 1u);
  EXPECT_THAT(result.refused_series.why, HasSubstr("Scale must be >= -4, was -5"));
}

TEST_F(OtlpTranslator, Summaries) {
  const auto m =
      cumulative("summary", "s", point("quantile=mine", R"("count":6,"sum":2.5,"quantileValues":[
                              {"quantile":0.5,"value":1},{"quantile":1,"value":9}])"));
  EXPECT_THAT(translate(request("", m)), ElementsAre("s_seconds_count{quantile=\"mine\"} 6@1000",
                                                     "s_seconds_sum{quantile=\"mine\"} 2.5@1000",
                                                     "s_seconds{quantile=\"0.5\"} 1@1000",
                                                     "s_seconds{quantile=\"1\"} 9@1000"));
  EXPECT_THAT(metadata_texts, ElementsAre("s_seconds summary 'seconds' 'Help.'"));
}

TEST_F(OtlpTranslator, DeltaIsRefusedOrKeptAsItIs) {
  for (const char* kind : {"sum", "histogram", "exponentialHistogram"}) {
    for (const char* temporality : {"0", "1"}) {
      const auto m = cumulative(kind, "d", point("") + "," + point("a=b"),
                                fmt::format(R"("aggregationTemporality":{})", temporality));
      EXPECT_THAT(translate(request("", m)), IsEmpty());
      EXPECT_EQ(result.samples_of_refused_series, 2u);
      EXPECT_EQ(result.refused_series.why,
                "invalid temporality and type combination for metric \"d\"");
    }
  }
  auto s = settings_of(config);
  s.accept_delta = true;
  auto got =
      decode_json(request("", cumulative("sum", "d", point(""),
                                         R"("aggregationTemporality":1,"isMonotonic":true)")),
                  s, known);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->batches.size(), 1u);
  EXPECT_EQ(got->batches[0]->metadata.at(0).value.type, metric_type::unknown);
}

TEST_F(OtlpTranslator, WhatHasNoNameIsRefusedAlone) {
  EXPECT_THAT(
      translate(request("service.name=s", gauge("...", point("")) + "," + gauge("ok", point("=x")) +
                                              "," + gauge("ok", point("a=b __name__=x")))),
      ElementsAre("ok{a=\"b\", job=\"s\"} 1@1000"));
  EXPECT_EQ(result.refused_series.count, 2u);
  EXPECT_EQ(result.refused_series.why, "normalization for metric \"...\" resulted in empty name");
}

TEST_F(OtlpTranslator, ExemplarsOfSums) {
  const std::string longer(100, 'x');
  const auto m = cumulative(
      "sum", "c",
      point(
          "",
          fmt::format(
              R"("asInt":1,"exemplars":[{{"asInt":5,"timeUnixNano":"700000000","filteredAttributes":{}}},{{}},
                       {{"asInt":6,"traceId":"0102030405060708090a0b0c0d0e0f10","filteredAttributes":{}}}])",
              attributes("k=v"), attributes("trace_id=z k=" + longer))),
      R"("aggregationTemporality":2,"isMonotonic":true)");
  translate(request("", m));
  EXPECT_THAT(exemplars,
              ElementsAre("c_seconds_total {k=\"v\"} 5@700",
                          "c_seconds_total {trace_id=\"0102030405060708090a0b0c0d0e0f10\"} 6@0"));
  EXPECT_EQ(result.refused_exemplars.count, 1u);
  EXPECT_EQ(result.refused_exemplars.why, "exemplar without a value");
  translate(request("", gauge("g", point("", R"("asInt":1,"exemplars":[{"asInt":5}])"))));
  EXPECT_THAT(exemplars, IsEmpty()) << "gauges have none";
}

TEST_F(OtlpTranslator, WhatAResourceNamesOnceIsNotRepeatedForEver) {
  config.promote_all_resource_attributes = true;
  std::string resource, points;
  for (int i = 0; i < 500; ++i)
    resource += fmt::format("{}a{}={}", i == 0 ? "" : " ", i, std::string(1000, 'x'));
  for (int i = 0; i < 5000; ++i)
    points += fmt::format("{}{{\"asInt\":{}}}", i == 0 ? "" : ",", i);
  const auto got = decode_json(request(resource, gauge("m", points)), settings_of(config), known);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), errc::out_of_bounds);
}

TEST_F(OtlpTranslator, ManyLabelsAreRefused) {
  std::string pairs;
  for (int i = 0; i < 2000; ++i)
    pairs += fmt::format("{}a{}=x", i == 0 ? "" : " ", i);
  EXPECT_THAT(translate(request("", gauge("m", point(pairs)) + "," + gauge("ok", point("")))),
              ElementsAre("ok 1@1000"));
  EXPECT_EQ(result.refused_series.why, "more than 1024 labels");
}

}  // namespace
}  // namespace troupe::otlp
