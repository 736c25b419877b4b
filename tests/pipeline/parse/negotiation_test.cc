#include "pipeline/parse/negotiation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::parse {
namespace {

using config::scrape_protocol;

TEST(Negotiation, AcceptHeaderIsPrometheus) {
  EXPECT_EQ(
      accept_header({scrape_protocol::openmetrics_text_1_0, scrape_protocol::openmetrics_text_0_1,
                     scrape_protocol::prometheus_text_1_0, scrape_protocol::prometheus_text_0_4},
                    "allow-utf-8"),
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
      "text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
  EXPECT_EQ(accept_header({scrape_protocol::prometheus_text_1_0}, "underscores"),
            "text/plain;version=1.0.0;escaping=underscores;q=0.6,*/*;q=0.5");
  EXPECT_EQ(accept_header({scrape_protocol::prometheus_proto, scrape_protocol::prometheus_text_0_4},
                          "dots"),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            "encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4");
}

TEST(Negotiation, ChoosesByContentType) {
  const std::vector<std::pair<std::string, exposition_format>> cases = {
      {"text/plain", exposition_format::text},
      {"text/plain; version=0.0.4; charset=utf-8", exposition_format::text},
      {" Text/Plain;x=y", exposition_format::text},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8",
       exposition_format::openmetrics},
      {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited",
       exposition_format::protobuf},
  };
  for (const auto& [type, want] : cases) {
    const auto got = choose_format(type, std::nullopt);
    ASSERT_TRUE(got.ok()) << type;
    EXPECT_EQ(*got, want) << type;
  }
}

TEST(Negotiation, FallbackSettlesUnknownTypes) {
  for (const std::string type : {"", "text/html", "nonsense", "a/b/c", "application/vnd.google"}) {
    const auto text = choose_format(type, scrape_protocol::prometheus_text_0_4);
    ASSERT_TRUE(text.ok()) << type;
    EXPECT_EQ(*text, exposition_format::text);
    const auto om = choose_format(type, scrape_protocol::openmetrics_text_1_0);
    ASSERT_TRUE(om.ok()) << type;
    EXPECT_EQ(*om, exposition_format::openmetrics);
    EXPECT_FALSE(choose_format(type, std::nullopt).ok());
    EXPECT_EQ(*choose_format(type, scrape_protocol::prometheus_proto), exposition_format::protobuf);
  }
  EXPECT_EQ(choose_format("", std::nullopt).error().message(),
            "non-compliant scrape target sending blank Content-Type and no "
            "fallback_scrape_protocol specified for target");
  EXPECT_EQ(choose_format("text/html", std::nullopt).error().message(),
            "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol "
            "specified for target");
  EXPECT_EQ(choose_format("//", std::nullopt).error().message(),
            "cannot parse Content-Type \"//\" and no fallback_scrape_protocol for target");
}

}  // namespace
}  // namespace troupe::parse
