// Every kind of answer that a receiver may give.
#include "pipeline/replay/sample_sender.h"

#include "tests/pipeline/replay/replay_kit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::replay {
namespace {

using remote::write_protocol;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct sender_kit {
  sender_kit() = default;

  result<send_outcome> send(size_t samples = 4) {
    std::vector<send::entry> entries(samples);
    for (size_t i = 0; i < samples; ++i) {
      entries[i].series = labels::from({{"__name__", "m"}, {"i", std::to_string(i)}});
      entries[i].ts = next_ts++;
      entries[i].value = 1;
    }
    return sender.send(std::move(entries));
  }
  /// Answers with these, in turn, before it takes anything.
  void fail_with(std::vector<http::fetch_result> answers) {
    to.fail = [answers, n = size_t{0}](
                  uint64_t, write_protocol) mutable -> std::optional<http::fetch_result> {
      if (n < answers.size())
        return answers[n++];
      return std::nullopt;
    };
  }
  int64_t seconds() const { return (clk.monotonic_ns() - begin) / 1'000'000'000; }

  manual_clock clk{hour_zero};
  receiver to{clk};
  bool stop = false;
  sender_options options;
  sample_sender sender{
      [this](write_protocol p, const std::string& body) { return to.write(p, body); }, clk,
      [this](int64_t ms) { clk.advance_ms(ms); }, [this] { return stop; }, options};
  int64_t next_ts = hour_zero;
  const int64_t begin = clk.monotonic_ns();
};

TEST(sample_sender, failures_of_the_way_and_5xx_are_tried_again) {
  sender_kit k;
  k.fail_with({answer(0), answer(500), answer(503), answer(429)});
  const auto got = k.send();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->written, 4u);
  EXPECT_EQ(k.sender.retries(), 4u);
  EXPECT_EQ(k.sender.requests(), 1u);
  EXPECT_EQ(k.seconds(), 1);  // 0.1 + 0.2 + 0.4 + 0.8
}

TEST(sample_sender, the_receiver_may_ask_for_time) {
  sender_kit k;
  k.fail_with({answer(429, "", {{"Retry-After", "30"}}), answer(503, "", {{"Retry-After", "5"}})});
  ASSERT_TRUE(k.send().ok());
  EXPECT_EQ(k.seconds(), 35);
}

TEST(sample_sender, a_receiver_that_stays_away_ends_the_run) {
  sender_kit k;
  k.to.fail = [](uint64_t, auto) { return answer(0); };
  const auto got = k.send();
  EXPECT_EQ(got.code(), errc::unavailable);
  EXPECT_EQ(got.error().message(), "the receiver takes nothing: connection refused");
  EXPECT_NEAR(static_cast<double>(k.seconds()), 600, 11);
}

TEST(sample_sender, a_stop_ends_waiting) {
  sender_kit k;
  k.to.fail = [&](uint64_t n, auto) {
    k.stop = n == 3;
    return answer(0);
  };
  EXPECT_EQ(k.send().code(), errc::canceled);
  EXPECT_LT(k.seconds(), 5);
}

TEST(sample_sender, refused_samples_are_counted_with_the_reason) {
  sender_kit k;
  k.fail_with({answer(400, "out of order sample\nmore"),
               answer(400, "too old", {{"X-Prometheus-Remote-Write-Samples-Written", "3"}})});
  auto got = k.send();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->written, 0u);
  EXPECT_EQ(got->refused, 4u);
  EXPECT_EQ(got->reason, "status 400: out of order sample");
  got = k.send();
  EXPECT_EQ(got->written, 3u);
  EXPECT_EQ(got->refused, 1u);
  EXPECT_EQ(k.send()->written, 4u);
}

TEST(sample_sender, a_receiver_that_refuses_everything_ends_the_run) {
  for (const int code : {301, 401, 403, 404, 405}) {
    sender_kit k;
    k.fail_with({answer(code, "remote write receiver is off")});
    const auto got = k.send();
    EXPECT_EQ(got.code(), errc::invalid_argument) << code;
    EXPECT_THAT(std::string(got.error().message()), HasSubstr("remote write receiver is off"));
  }
}

TEST(sample_sender, version_1_where_2_is_not_known) {
  sender_kit k;
  k.to.fail = [](uint64_t, write_protocol p) -> std::optional<http::fetch_result> {
    if (p == write_protocol::v2)
      return answer(415, "unsupported proto message");
    return std::nullopt;
  };
  EXPECT_EQ(k.send()->written, 4u);
  EXPECT_EQ(k.send()->written, 4u);
  EXPECT_EQ(k.sender.protocol(), write_protocol::v1);
  EXPECT_THAT(k.to.got, SizeIs(8));
  k.to.fail = [](uint64_t, write_protocol) { return answer(415); };
  EXPECT_EQ(k.send().code(), errc::invalid_argument);
}

TEST(sample_sender, version_1_where_2_is_taken_without_being_understood) {
  sender_kit k;
  k.to.fail = [](uint64_t, write_protocol p) -> std::optional<http::fetch_result> {
    if (p == write_protocol::v2)
      return answer(204);
    return std::nullopt;
  };
  EXPECT_EQ(k.send()->written, 4u);
  EXPECT_THAT(k.to.got, SizeIs(4));
  EXPECT_EQ(k.to.requests.back().protocol, write_protocol::v1);
}

TEST(sample_sender, what_a_receiver_does_not_confirm_is_not_written) {
  sender_kit k;
  k.fail_with({answer(204, "", {{"X-Prometheus-Remote-Write-Samples-Written", "1"}})});
  const auto got = k.send();
  EXPECT_EQ(got->written, 1u);
  EXPECT_EQ(got->refused, 3u);
  EXPECT_THAT(got->reason, HasSubstr("does not confirm"));
}

TEST(sample_sender, custom_buckets_need_version_2) {
  const auto entries = [] {
    auto h = std::make_shared<histogram>();
    h->schema = histogram::custom_schema;
    h->custom_bounds = {1, 2};
    h->positive_spans = {{0, 1}};
    h->positive_buckets = {3};
    h->count = 3;
    send::entry e;
    e.series = labels::from({{"__name__", "h"}});
    e.ts = hour_zero;
    e.kind = send::entry_kind::histogram;
    e.extra = std::make_shared<send::entry_extra>(send::entry_extra{h, {}});
    return std::vector<send::entry>{e};
  };
  sender_kit k;
  EXPECT_EQ(k.sender.send(entries())->written, 1u);
  EXPECT_EQ(k.to.histograms, 1u);
  sender_kit old;
  old.fail_with({answer(415)});
  const auto got = old.sender.send(entries());
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->not_carried, 1u);
  EXPECT_EQ(got->written, 0u);
}

}  // namespace
}  // namespace troupe::replay
