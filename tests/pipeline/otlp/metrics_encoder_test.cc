#include "pipeline/otlp/metrics_encoder.h"

#include "tests/pipeline/otlp/dump.h"

#include <gtest/gtest.h>

namespace troupe::otlp {
namespace {

constexpr timestamp_ms start = 1000;

metrics_encoder::series series_of(const std::string& name, const std::string& instance,
                                  const std::string& mode, metric_kind kind) {
  return metrics_encoder::prepare(
      labels::from({{"__name__", name}, {"job", "j"}, {"instance", instance}, {"mode", mode}}),
      kind, kind == metric_kind::sum ? "Counted." : "");
}

std::string read_back(std::string_view request) {
  dump_sink to;
  const auto s = read_protobuf(request, to);
  EXPECT_TRUE(s.ok()) << s.message();
  return to.out;
}

TEST(OtlpMetricsEncoder, SharesResourcesAndMetricsOfSeriesInARow) {
  const auto a = series_of("cpu_total", "a", "idle", metric_kind::sum);
  const auto b = series_of("cpu_total", "a", "user", metric_kind::sum);
  const auto c = series_of("load", "a", "", metric_kind::gauge);
  const auto d = series_of("load", "b", "", metric_kind::gauge);
  metrics_encoder e(start);
  const std::string wanted =
      "resource service.instance.id=a service.name=j\n"
      " scope   \n"
      "  metric cpu_total 'Counted.'  kind=2 2 monotonic\n"
      "   1000000000..5000000000 0.5 0 0/0 0: 0: mode=idle\n"
      "   1000000000..6000000000 1.5 0 0/0 0: 0: mode=idle\n"
      "   1000000000..5000000000 2 0 0/0 0: 0: mode=user\n"
      "  metric load ''  kind=1 0\n"
      "   0..5000000000 -0 0 0/0 0: 0:\n"
      "end\n"
      "resource service.instance.id=b service.name=j\n"
      " scope   \n"
      "  metric load ''  kind=1 0\n"
      "   0..7000000000 3 0 0/0 0: 0:\n"
      "end\n";
  for (int round = 0; round < 2; ++round) {
    e.clear();
    e.add(a, std::vector<sample>{{5000, 0.5}, {6000, 1.5}});
    e.add(b, std::vector<sample>{{5000, 2}});
    e.add(c, std::vector<sample>{{5000, -0.0}});
    e.add(d, std::vector<sample>{{7000, 3}});
    EXPECT_EQ(read_back(e.request()), wanted);
  }
}

TEST(OtlpMetricsEncoder, HistogramsAreExponentialOnes) {
  histogram h;
  h.schema = 3;
  h.zero_count = 2;
  h.zero_threshold = 0x1p-128;
  h.count = 12;
  h.sum = 2.5;
  h.positive_spans = {{5, 2}, {3, 1}};
  h.positive_buckets = {1, 2, 3};
  h.negative_spans = {{-2, 1}};
  h.negative_buckets = {4};
  metrics_encoder e(start);
  e.add(series_of("took", "a", "x", metric_kind::exponential), 5000, h);
  EXPECT_EQ(read_back(e.request()),
            "resource service.instance.id=a service.name=j\n"
            " scope   \n"
            "  metric took ''  kind=4 2\n"
            "   1000000000..5000000000 0 12 sum=2.5 3/2 4:1,2,0,0,0,3, -3:4, mode=x\n"
            "end\n");
}

TEST(OtlpMetricsEncoder, AResponseTellsWhatWasRejected) {
  auto got = read_protobuf_response("");
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->points, 0u);
  got = read_protobuf_response(protobuf_response(7, "why"));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->points, 7u);
  EXPECT_EQ(got->message, "why");
  EXPECT_FALSE(read_protobuf_response("\x0a\x05x").ok());
}

}  // namespace
}  // namespace troupe::otlp
