#include "pipeline/notify/send_loop.h"

#include "tests/pipeline/notify/notify_fixture.h"

#include <gtest/gtest.h>

namespace troupe::notify {
namespace {

class SendLoop : public testing::Test {
 protected:
  send_loop make(send_options options = {}) {
    return {"http://am/api/v2/alerts", std::make_shared<const http::endpoint>(), options,
            send_figures{sent_, errors_, dropped_, latency_}};
  }
  static size_t alerts_in(const http::fetch_request& r) {
    size_t n = 0;
    for (size_t at = 0; (at = r.body.find("\"labels\"", at)) != std::string::npos; ++at)
      ++n;
    return n;
  }

  counter sent_, errors_, dropped_;
  bucket_histogram latency_{{1}};
};

TEST_F(SendLoop, SendsBatchesOneAtATime) {
  auto loop = make({100, 2, 7000});
  loop.push(make_alerts(3));
  const auto first = loop.next_request(1, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->method, "POST");
  EXPECT_EQ(first->timeout_ms, 7000);
  EXPECT_EQ(alerts_in(*first), 2u);
  ASSERT_EQ(first->header_fields.size(), 1u);
  EXPECT_EQ(first->header_fields[0].name, "Content-Type");
  EXPECT_EQ(first->header_fields[0].value, "application/json");
  EXPECT_FALSE(loop.next_request(2, 0));
  EXPECT_FALSE(loop.on_result(answer(9, 200), 0));
  EXPECT_TRUE(loop.on_result(answer(1, 200), 0));
  const auto second = loop.next_request(2, 0);
  ASSERT_TRUE(second);
  EXPECT_EQ(alerts_in(*second), 1u);
  loop.on_result(answer(2, 200), 0);
  EXPECT_TRUE(loop.idle());
  EXPECT_EQ(sent_.value(), 3);
  EXPECT_EQ(errors_.value() + dropped_.value(), 0);
}

TEST_F(SendLoop, RepeatsABatchWithGrowingPauses) {
  auto loop = make();
  loop.push(make_alerts(2));
  int64_t now = 0;
  uint64_t token = 1;
  for (const int64_t pause : {1, 2, 4, 8, 16, 30, 30}) {
    ASSERT_TRUE(loop.next_request(token, now));
    loop.on_result(token % 2 == 0 ? no_answer(token) : answer(token, 503), now);
    ++token;
    EXPECT_FALSE(loop.next_request(token, now + pause * second_ns - 1));
    now += pause * second_ns;
  }
  EXPECT_NE(loop.last_error(), "");
  const auto request = loop.next_request(token, now);
  ASSERT_TRUE(request);
  EXPECT_EQ(alerts_in(*request), 2u);
  loop.on_result(answer(token, 200), now);
  EXPECT_EQ(loop.last_error(), "");
  EXPECT_EQ(sent_.value(), 2);
  EXPECT_EQ(errors_.value(), 14);
  EXPECT_EQ(dropped_.value(), 0);
  loop.push(make_alerts(1));
  ASSERT_TRUE(loop.next_request(++token, now)) << "no pause after a success";
}

TEST_F(SendLoop, DropsWhatIsRefused) {
  auto loop = make();
  loop.push(make_alerts(2));
  ASSERT_TRUE(loop.next_request(1, 0));
  auto refused = answer(1, 400);
  refused.body = "bad label";
  loop.on_result(refused, 0);
  EXPECT_EQ(loop.last_error(), "bad response status 400: bad label");
  EXPECT_TRUE(loop.idle());
  EXPECT_EQ(dropped_.value(), 2);
  EXPECT_EQ(errors_.value(), 2);
}

TEST_F(SendLoop, ADeadOneFillsItsQueueOnly) {
  auto loop = make({10, 4, 1000});
  loop.push(make_alerts(8));
  ASSERT_TRUE(loop.next_request(1, 0));
  std::vector<alert_ptr> more;
  for (int i = 100; i < 106; ++i)
    more.push_back(make_alert("b" + std::to_string(i)));
  loop.push(more);
  EXPECT_EQ(dropped_.value(), 0) << "4 in flight, 10 wait";
  loop.on_result(no_answer(1), 0);
  EXPECT_EQ(dropped_.value(), 4);
  EXPECT_EQ(loop.queued(), 10u);
}

TEST_F(SendLoop, AResolvedStateReplacesAFiringOneThatWaits) {
  auto loop = make();
  loop.push({make_alert("a", 1)});
  ASSERT_TRUE(loop.next_request(1, 0));
  loop.push({make_alert("a", 2)});
  loop.on_result(no_answer(1), 0);
  const auto request = loop.next_request(2, second_ns);
  ASSERT_TRUE(request);
  EXPECT_EQ(alerts_in(*request), 1u);
  EXPECT_NE(request->body.find("\"generation\":\"2\""), std::string::npos);
}

TEST_F(SendLoop, GivesUpWhatWaits) {
  auto loop = make({100, 2, 1000});
  loop.push(make_alerts(3));
  ASSERT_TRUE(loop.next_request(1, 0));
  EXPECT_EQ(loop.release().size(), 3u);
  EXPECT_TRUE(loop.idle());
  EXPECT_FALSE(loop.on_result(answer(1, 200), 0));
  loop.push(make_alerts(3));
  loop.abandon();
  EXPECT_EQ(dropped_.value(), 3);
}

}  // namespace
}  // namespace troupe::notify
