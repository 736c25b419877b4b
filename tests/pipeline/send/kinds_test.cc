// What is no float sample: histograms, exemplars, start times; both versions of the message.
#include "tests/pipeline/send/send_kit.h"

namespace troupe::send {
namespace {

class Kinds : public SendTest {
 protected:
  void write_all_kinds() {
    const auto series = labels::from({{"__name__", "h"}, {"instance", "a"}, {"job", "j"}});
    write_batch b;
    b.group = 3;
    b.table = storage::table_of({series});
    const timestamp_ms ts = log.clk.now_ms();
    b.floats.push_back({ts, 1.5, 0});
    b.starts.push_back({0, ts - 5000});
    for (const bool custom : {false, true}) {
      auto h = std::make_shared<histogram>();
      h->schema = custom ? histogram::custom_schema : 2;
      h->count = 3;
      h->sum = 4;
      h->positive_spans = {{0, 2}};
      h->positive_buckets = {1, 2};
      if (custom)
        h->custom_bounds = {1, 2};
      b.histograms.push_back({ts + (custom ? 2000 : 1000), no_start_timestamp, h, 0});
    }
    b.exemplars.push_back({{labels::from({{"trace", "x"}}), 1.5, ts}, 0});
    ASSERT_TRUE(log.writer->append(b).ok());
    ASSERT_TRUE(log.writer->commit().ok());
  }
  void use_v2() { block().protobuf_message = "io.prometheus.write.v2.Request"; }
};

TEST_F(Kinds, VersionOneHasNoFormForCustomBuckets) {
  block().send_native_histograms = block().send_exemplars = true;
  start();
  write_all_kinds();
  deliver(3000);
  EXPECT_EQ(got.values.size(), 1u);
  EXPECT_EQ(got.histograms.size(), 1u);
  EXPECT_EQ(got.exemplars.size(), 1u);
  EXPECT_EQ(metric("histograms_dropped_total", "nhcb_not_supported"), 1);
  EXPECT_EQ(metric("exemplars_total"), 1);
}

TEST_F(Kinds, VersionTwoHasAll) {
  block().send_native_histograms = block().send_exemplars = true;
  described = {{"h", {metric_type::histogram, "", "Help."}}};
  use_v2();
  start();
  write_all_kinds();
  write(5);
  deliver(3000);
  EXPECT_EQ(got.values.size(), 16u);
  EXPECT_EQ(got.histograms.size(), 2u);
  EXPECT_EQ(got.exemplars.size(), 1u);
  EXPECT_EQ(got.families["h"].help, "Help.");
  EXPECT_EQ(metric("samples_failed_total"), 0);
}

TEST_F(Kinds, WhatIsNotAskedForIsNotSent) {
  use_v2();
  start();
  write_all_kinds();
  deliver(3000);
  EXPECT_EQ(got.values.size(), 1u);
  EXPECT_TRUE(got.histograms.empty());
  EXPECT_TRUE(got.exemplars.empty());
}

TEST_F(Kinds, AReceiverOfVersionTwoThatConfirmsNothingHasNothing) {
  use_v2();
  start();
  write(2);
  pass(1100);
  ASSERT_EQ(wire.size(), 1u);
  http::fetch_result r;
  r.token = wire[0].token;
  r.code = 200;
  writer->on_result(r, log.clk.now_ms(), log.clk.monotonic_ns());
  EXPECT_EQ(metric("samples_failed_total"), 6);
}

TEST_F(Kinds, OfAPartlyRefusedRequestTheRestCounts) {
  use_v2();
  start();
  write(2);
  pass(1100);
  ASSERT_EQ(wire.size(), 1u);
  answer_one(0, 400, {{"X-Prometheus-Remote-Write-Samples-Written", "4"}});
  EXPECT_EQ(metric("samples_failed_total"), 2);
}

}  // namespace
}  // namespace troupe::send
