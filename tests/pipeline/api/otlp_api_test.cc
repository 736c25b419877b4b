// The OTLP receiver: what it takes, what it answers, what it does with the configuration.
#include "pipeline/http/gzip_encoder.h"
#include "pipeline/otlp/delta_streams.h"
#include "pipeline/otlp/metrics.h"
#include "tests/pipeline/api/door_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace troupe::api {
namespace {

using ::testing::HasSubstr;

const std::string path = "/api/v1/otlp/v1/metrics";
const std::string json_type = "application/json", protobuf_type = "application/x-protobuf";

std::string metrics_of(const std::string& metrics, const std::string& attributes = "") {
  return R"({"resourceMetrics":[{"resource":{"attributes":[)" + attributes +
         R"(]},"scopeMetrics":[{"metrics":[)" + metrics + "]}]}]}";
}
const std::string gauge =
    R"({"name":"m.x","gauge":{"dataPoints":[{"timeUnixNano":1000000,"asInt":1}]}})";
const std::string delta =
    R"({"name":"d","sum":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":1000000,"asInt":1}]}})";

class OtlpApiTest : public DoorTest {
 protected:
  http::response send(std::string body, const std::string& type = json_type,
                      const std::string& coding = "") {
    http::headers fields{{"Content-Type", type}};
    if (!coding.empty())
      fields.push_back({"Content-Encoding", coding});
    return send_to(path, std::move(body), std::move(fields));
  }
  std::string first_series() const {
    return stored.empty() ? "" : stored[0]->table->series.at(0).to_string();
  }
};

TEST_F(OtlpApiTest, TheDoorIsClosedUnlessAsked) {
  base.enable_otlp_receiver = false;
  remake();
  const auto r = send(metrics_of(gauge));
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.body, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
}

TEST_F(OtlpApiTest, BothEncodingsAreTakenAndAnsweredInKind) {
  auto r = send(metrics_of(gauge), "application/json; charset=utf-8");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "{}");
  EXPECT_EQ(r.content_type, json_type);
  EXPECT_EQ(first_series(), "m_x");
  r = send("", protobuf_type);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(r.content_type, protobuf_type);
  r = send("\x0a", protobuf_type);
  EXPECT_EQ(r.status, 400);
  EXPECT_THAT(r.body, HasSubstr("malformed OTLP request: "));
  r = send("{", json_type);
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.body, "malformed JSON at byte 1: expected a string\n");
  r = send("", "text/plain");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.body,
            "unsupported content type: text/plain, supported: [application/json, "
            "application/x-protobuf]\n");
}

TEST_F(OtlpApiTest, GzipIsTaken) {
  const std::string body = metrics_of(gauge);
  EXPECT_EQ(send(http::gzip(body), json_type, "gzip").status, 200);
  EXPECT_EQ(first_series(), "m_x");
  EXPECT_EQ(send(body, json_type, "gzip").status, 400);
  const auto r = send(body, json_type, "snappy");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.body, "unsupported compression: snappy. Only \"gzip\" or no compression supported\n");
  EXPECT_EQ(send(http::gzip(std::string(64u << 20, ' ')), json_type, "gzip").status, 413);
  EXPECT_LE(budget->peak(), 3u << 20);
  EXPECT_EQ(budget->used(), 0u);
}

TEST_F(OtlpApiTest, WhatIsRefusedIsAPartialSuccess) {
  auto r = send(metrics_of(gauge + "," + delta));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body,
            R"({"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"the valid part is )"
            R"(stored; 1 series (1 samples) are invalid: invalid temporality and type )"
            R"(combination for metric \"d\""}})");
  r = send(metrics_of(delta));
  EXPECT_EQ(r.status, 400) << "nothing was stored";
  EXPECT_THAT(r.body, HasSubstr("invalid temporality and type combination for metric \"d\""));
  outcome_of = [](const write_batch&) {
    ingest::outcome o;
    o.report.too_old = 1;
    return o;
  };
  r = send(metrics_of(gauge));
  EXPECT_EQ(r.status, 400);
  EXPECT_THAT(r.body, HasSubstr("1 samples are too old"));
  const std::string exposed = metrics.render();
  for (const char* line : {"troupe_otlp_requests_total{protocol=\"json\"} 3\n",
                           "troupe_otlp_requests_total{protocol=\"protobuf\"} 0\n",
                           "troupe_otlp_refused_total{kind=\"series\"} 2\n",
                           "troupe_otlp_refused_total{kind=\"histogram\"} 0\n"})
    EXPECT_THAT(exposed, HasSubstr(line));
}

TEST_F(OtlpApiTest, WhatMayPassLaterIsRepeated) {
  outcome_of = [](const write_batch&) {
    return ingest::outcome{{errc::no_space, "disk is full"}, {}};
  };
  const auto r = send(metrics_of(gauge));
  EXPECT_EQ(r.status, 503);
  EXPECT_EQ(http::find_header(r.header_fields, "Retry-After"), "5");
}

TEST_F(OtlpApiTest, TheConfigurationInForceCounts) {
  const std::string attributes = R"({"key":"os.type","value":{"stringValue":"linux"}})";
  send(metrics_of(gauge, attributes));
  EXPECT_EQ(first_series(), "m_x");
  auto changed = std::make_shared<config::config>();
  changed->otlp.promote_resource_attributes = {"os.type"};
  changed->otlp.translation_strategy = "NoTranslation";
  config = changed;
  send(metrics_of(gauge, attributes));
  EXPECT_EQ(stored.at(0)->table->series.at(stored.at(0)->floats.at(0).series).to_string(),
            R"({"m.x", "os.type"="linux"})");
}

TEST_F(OtlpApiTest, DeltaIsStoredWhereAFlagSaysSo) {
  base.accept_otlp_delta = true;
  remake();
  EXPECT_EQ(send(metrics_of(delta)).body, "{}");
  EXPECT_EQ(first_series(), "d");
}

TEST_F(OtlpApiTest, DeltasAreSummedWhereAFlagSaysSo) {
  troupe::gauge count;
  otlp::delta_streams streams(clk, nullptr, count);
  base.otlp_deltas = &streams;
  remake();
  const auto sum = [](int time, int value) {
    return R"({"name":"d","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[)"
           R"({"startTimeUnixNano":"1000000000","timeUnixNano":")" +
           std::to_string(time) + R"(000000000","asInt":")" + std::to_string(value) + R"("}]}})";
  };
  EXPECT_EQ(send(metrics_of(sum(2, 5))).body, "{}");
  // Told once.
  const auto described = std::find_if(stored.begin(), stored.end(),
                                      [](const auto& b) { return !b->metadata.empty(); });
  ASSERT_NE(described, stored.end());
  EXPECT_EQ((*described)->metadata.at(0).value.type, metric_type::counter);
  const auto cut = metrics_of(sum(3, 100));
  EXPECT_EQ(send(cut.substr(0, cut.size() - 3)).status, 400);
  EXPECT_EQ(send(metrics_of(sum(3, 2))).body, "{}");
  const auto sampled =
      std::find_if(stored.begin(), stored.end(), [](const auto& b) { return !b->floats.empty(); });
  ASSERT_NE(sampled, stored.end());
  EXPECT_EQ((*sampled)->floats.at(0).value, 7);
  const auto again = send(metrics_of(sum(3, 2)));
  EXPECT_EQ(again.status, 400) << "nothing was stored";
  EXPECT_THAT(again.body, HasSubstr("a delta is out of order"));
}

TEST_F(OtlpApiTest, HostileBodiesAreRefused) {
  std::string empty_resources;
  for (int i = 0; i < 400'000; ++i)
    empty_resources += std::string("\x0a\0", 2);
  EXPECT_EQ(send(empty_resources, protobuf_type).status, 200);
  std::string labels;
  for (int i = 0; i < 20'000; ++i)
    labels += std::string(i == 0 ? "" : ",") + R"({"key":"k)" + std::to_string(i) + R"("})";
  auto r =
      send(metrics_of(R"({"name":"m","gauge":{"dataPoints":[{"attributes":[)" + labels + "]}]}}"));
  EXPECT_EQ(r.status, 413);
  EXPECT_EQ(r.body, "too many attributes\n");
  r = send(std::string(1000, '['));
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(budget->used(), 0u);
}

}  // namespace
}  // namespace troupe::api
