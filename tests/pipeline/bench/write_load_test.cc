#include "pipeline/bench/write_load.h"

#include "pipeline/bench/audit.h"
#include "pipeline/remote/write_encoder.h"
#include "pipeline/remote/write_v2_encoder.h"
#include "tests/pipeline/bench/memory_server.h"
#include "tests/support/remote_write_body.h"

#include <cmath>

namespace troupe::bench {
namespace {

class WriteLoad : public memory_server {
 protected:
  void prepare(const std::string& name, fleet_options f, size_t samples = 100, size_t width = 30) {
    shape_ = *make_synthetic_profile(name, width);
    ledger_header h;
    h.profile = name;
    h.fleet = f;
    h.shape = write_shape::of(f, samples);
    book_ = std::make_unique<ledger_book>(h);
  }
  write_report run(write_load_options o = {}) {
    client::progress silent(nullptr, clock_, "samples");
    auto r = run_write_load(shape_, o, *client_, *book_, clock_, silent);
    EXPECT_TRUE(r.ok()) << r.error().to_string();
    return r.ok() ? *r : write_report{};
  }
  audit_report audit() {
    client::progress silent(nullptr, clock_, "samples");
    auto r = audit_writes(shape_, book_->entries(), *client_, silent);
    EXPECT_TRUE(r.ok()) << r.error().to_string();
    return r.ok() ? *r : audit_report{};
  }

  profile_ptr shape_;
  std::unique_ptr<ledger_book> book_;
};

constexpr fleet_options small{
    .seed = 5, .series = 250, .rows = 12, .step_ms = 15'000, .start = 1'700'000'000'000};

TEST_F(WriteLoad, SendsEverySampleOnceAndInOrder) {
  prepare("walk16", small);
  const auto r = run();
  EXPECT_EQ(r.acked_samples, 250u * 12);
  EXPECT_EQ(r.failed_samples, 0u);
  EXPECT_EQ(r.requests, 3u * 12);
  EXPECT_EQ(r.answer_times.count(), 36u);
  EXPECT_EQ(out_of_order_, 0u);
  EXPECT_EQ(stored_.size(), 250u);
  const auto a = audit();
  EXPECT_TRUE(a.clean()) << a.first_fault;
  EXPECT_EQ(a.checked, 250u * 12);
}

TEST_F(WriteLoad, SendsTheSameByOtlp) {
  for (const char* name : {"busy", "walk16", "classic", "native"}) {
    stored_.clear();
    connect(config::load_protocol::otlp);
    prepare(name, small);
    const auto r = run({.protocol = config::load_protocol::otlp});
    EXPECT_EQ(r.acked_samples, 250u * 12) << name << ": " << r.first_error;
    EXPECT_EQ(out_of_order_, 0u);
    const auto a = audit();
    EXPECT_TRUE(a.clean()) << name << ": " << a.first_fault;
    EXPECT_EQ(a.checked, 250u * 12);
  }
  EXPECT_EQ(paths_, std::set<std::string>{"/api/v1/otlp/v1/metrics"});
}

TEST_F(WriteLoad, OtlpThatIsTakenInPartIsRefused) {
  connect(config::load_protocol::otlp, "/elsewhere");
  prepare("walk16", small);
  say_ = {{2, 200}};
  const auto r = run({.protocol = config::load_protocol::otlp, .in_flight = 1});
  EXPECT_EQ(r.failed_samples, 100u);
  EXPECT_EQ(r.acked_samples, 250u * 12 - 100);
  EXPECT_EQ(r.retries, 0u);
  EXPECT_EQ(r.first_error, "3 points were refused: three of them");
  EXPECT_EQ(paths_, std::set<std::string>{"/elsewhere"});
}

TEST_F(WriteLoad, SendsTheSameByVersion2) {
  for (const char* name : {"walk16", "classic", "native"}) {
    stored_.clear();
    connect(config::load_protocol::write_v2);
    prepare(name, small);
    const auto r = run({.protocol = config::load_protocol::write_v2});
    EXPECT_EQ(r.acked_samples, 250u * 12);
    EXPECT_EQ(v2_writes_, std::exchange(writes_, 0));
    v2_writes_ = 0;
    const auto a = audit();
    EXPECT_TRUE(a.clean()) << a.first_fault;
  }
}

TEST_F(WriteLoad, PutsSeveralRowsIntoOneRequestWhereSeriesAreFew) {
  auto f = small;
  f.series = 7;
  f.rows = 40;
  prepare("busy", f);
  const auto r = run();
  EXPECT_EQ(r.requests, 3u);
  EXPECT_EQ(r.acked_samples, 280u);
  EXPECT_TRUE(audit().clean());
}

TEST_F(WriteLoad, ChurnReplacesSeries) {
  auto f = small;
  f.churn = 15;
  prepare("classic", f);
  const auto r = run();
  EXPECT_EQ(r.new_series, 5u * 30);
  EXPECT_EQ(stored_.size(), 250u + 5 * 30);
  const auto a = audit();
  EXPECT_TRUE(a.clean()) << a.first_fault;
  EXPECT_EQ(a.checked, 250u * 12);
}

TEST_F(WriteLoad, NativeHistogramsGoAndComeBack) {
  prepare("native", small);
  EXPECT_EQ(run().acked_samples, 250u * 12);
  EXPECT_TRUE(audit().clean());
  const auto& one = *stored_.begin()->second.histograms.begin()->second;
  EXPECT_EQ(one.schema, 3);
  EXPECT_EQ(one.positive_buckets.size(), 40u);
  auto& last = stored_.rbegin()->second;
  auto changed = *last.histograms.begin()->second;
  changed.sum += 1;
  last.histograms.begin()->second = std::make_shared<histogram>(changed);
  EXPECT_EQ(audit().wrong, 1u);
}

TEST_F(WriteLoad, SendsAgainWhatWasNotAnswered) {
  prepare("walk16", small);
  say_ = {{3, 503}, {4, 500}, {5, 429}, {20, 503}};
  write_load_options o;
  o.in_flight = 1;
  const auto r = run(o);
  EXPECT_EQ(r.retries, 4u);
  EXPECT_EQ(r.acked_samples, 250u * 12);
  EXPECT_EQ(r.first_error, "HTTP status 503: as told");
  EXPECT_EQ(out_of_order_, 0u);
  EXPECT_TRUE(audit().clean());
}

TEST_F(WriteLoad, RefusedRequestsAreNotSentAgainAndNotExpected) {
  prepare("walk16", small);
  say_ = {{2, 400}};
  const auto r = run();
  EXPECT_EQ(r.retries, 0u);
  EXPECT_GT(r.failed_samples, 0u);
  EXPECT_EQ(r.acked_samples + r.failed_samples, 250u * 12);
  const auto a = audit();
  EXPECT_TRUE(a.clean()) << a.first_fault;
  EXPECT_EQ(a.checked, r.acked_samples);
}

TEST_F(WriteLoad, GivesUpAfterTheTimeAsked) {
  prepare("walk16", small);
  say_ = {{1, 503}, {2, 503}, {3, 503}};
  write_load_options o;
  o.in_flight = 1;
  o.retry_ms = 0;
  const auto r = run(o);
  EXPECT_EQ(r.failed_samples, 250u);
  EXPECT_EQ(book_->entries().at(0, 0), outcome::unknown);
  EXPECT_TRUE(audit().clean());
}

TEST_F(WriteLoad, TheAuditSeesLossChangeAndWhatWasNeverSent) {
  prepare("walk16", small);
  run();
  auto& s = stored_.begin()->second;
  const auto first = s.floats.begin();
  const double value = first->second;
  s.floats.erase(first);
  auto a = audit();
  EXPECT_EQ(a.missing, 1u);
  EXPECT_EQ(a.wrong + a.unexpected, 0u);
  EXPECT_NE(a.first_fault.find("is missing"), std::string::npos) << a.first_fault;
  const auto ts = small.start + (s.floats.begin()->first - small.start) % small.step_ms;
  s.floats[ts] = std::nextafter(value, 1e9);
  a = audit();
  EXPECT_EQ(a.wrong, 1u);
  EXPECT_EQ(a.missing + a.unexpected, 0u);
  s.floats[ts] = value;
  s.floats[ts + 1] = value;
  a = audit();
  EXPECT_EQ(a.unexpected, 1u);
  EXPECT_EQ(a.missing + a.wrong, 0u);
  s.floats.erase(ts + 1);
  EXPECT_TRUE(audit().clean());
}

TEST(WriteEncoder, WritesWhatAnIndependentEncoderWrites) {
  const auto a = labels::from({{"__name__", "m"}, {"job", "j"}, {"x", std::string(300, 'y')}});
  const auto b = labels::from({{"__name__", "n"}});
  const std::vector<sample> two{{1'700'000'000'000, 0.1}, {-5, -0.0}};
  const std::vector<sample> one{{0, 1e300}};
  remote::write_encoder e;
  e.add(remote::encode_series_labels(a), two);
  e.add(remote::encode_series_labels(b), one);
  auto expected = support::write_request({{a, two}, {b, one}});
  EXPECT_EQ(e.request(), expected);
  e.clear();
  e.add(remote::encode_series_labels(b), one);
  EXPECT_EQ(e.request(), support::write_request({{b, one}}));
}

TEST(WriteEncoder, Version2ComesBackEqual) {
  const metadata described{metric_type::counter, "bytes", "Help."};
  histogram custom;
  custom.schema = histogram::custom_schema;
  custom.custom_bounds = {0.5, 1};
  custom.is_float = true;
  custom.count = custom.sum = 1.25;
  custom.positive_spans = {{1, 1}};
  custom.positive_buckets = {1.25};
  remote::write_v2_encoder e;
  const auto a = e.prepare(labels::from({{"__name__", "m"}, {"job", "j"}}), described);
  const auto b = e.prepare(labels::from({{"__name__", "n"}, {"job", "j"}}), {});
  manual_clock clk;
  remote::series_cache known({}, clk);
  for (int round = 0; round < 2; ++round) {
    e.clear();
    if (round == 1)
      e.add(b, std::vector<sample>{{5, 5}});
    e.add(a, std::vector<sample>{{1'700'000'000'000, 0.1}, {-5, -0.0}});
    e.add(b, 7, custom);
    const auto got = remote::decode_write_v2(e.request(), known);
    ASSERT_TRUE(got.ok()) << got.error().to_string();
    EXPECT_EQ(got->refused_histograms.count, 0u) << got->refused_histograms.why;
    const write_batch& batch = *got->batches.at(0);
    const auto& floats = batch.floats;
    ASSERT_EQ(floats.size(), round == 1 ? 3u : 2u);
    const auto& last = floats.back();
    EXPECT_EQ(batch.table->series[last.series], labels::from({{"__name__", "m"}, {"job", "j"}}));
    EXPECT_EQ(last.ts, -5);
    EXPECT_TRUE(std::signbit(last.value));
    ASSERT_EQ(batch.histograms.size(), 1u);
    EXPECT_EQ(*batch.histograms[0].value, custom);
    ASSERT_EQ(batch.metadata.size(), 1u);
    EXPECT_EQ(batch.metadata[0].family, "m");
    EXPECT_EQ(batch.metadata[0].value, described);
  }
}

TEST(WriteEncoder, HistogramsComeBackEqual) {
  const auto shape = *make_synthetic_profile("native", 3);
  for (const double n : {0.0, 1.0, 419.0, 1e6, 1e12}) {
    remote::write_encoder e;
    const auto h = shape->native_value(2, n);
    e.add(remote::encode_series_labels(shape->series()[2]), -7, h);
    manual_clock clk;
    remote::series_cache known({}, clk);
    auto got = remote::decode_write(e.request(), known);
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(got->batches.size(), 1u);
    const write_batch& batch = *got->batches[0];
    ASSERT_EQ(batch.histograms.size(), 1u);
    EXPECT_EQ(batch.histograms[0].ts, -7);
    EXPECT_EQ(*batch.histograms[0].value, h);
    EXPECT_EQ(batch.table->series[0], shape->series()[2]);
  }
}

}  // namespace
}  // namespace troupe::bench
