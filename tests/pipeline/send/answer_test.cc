#include "pipeline/send/answer.h"

#include <gtest/gtest.h>

namespace troupe::send {
namespace {

http::fetch_result with(int code) {
  http::fetch_result out;
  out.code = code;
  if (code == 0)
    out.error = {errc::timeout, "too late"};
  return out;
}

TEST(Answer, WhatIsRepeated) {
  for (const int code : {200, 202, 204})
    EXPECT_EQ(judge(with(code), false), verdict::taken);
  for (const int code : {0, 500, 502, 503, 504})
    EXPECT_EQ(judge(with(code), false), verdict::again);
  for (const int code : {301, 400, 401, 404, 413, 415, 429})
    EXPECT_EQ(judge(with(code), false), verdict::refused);
  EXPECT_EQ(judge(with(429), true), verdict::again);
}

TEST(Answer, RetryAfter) {
  EXPECT_EQ(retry_after_ms({{"Retry-After", "7"}}, 0), 7000);
  EXPECT_EQ(retry_after_ms({{"retry-after", "0"}}, 0), 0);
  EXPECT_EQ(retry_after_ms({}, 0), 0);
  EXPECT_EQ(retry_after_ms({{"Retry-After", "soon"}}, 0), 0);
  // RFC 9110's example.
  const http::headers date{{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  EXPECT_EQ(retry_after_ms(date, 784'111'770'000), 7000);
  EXPECT_EQ(retry_after_ms(date, 784'111'790'000), 0);
}

TEST(Answer, WrittenHeaders) {
  EXPECT_FALSE(written({}));
  const auto some = written({{"x-prometheus-remote-write-samples-written", "5"}});
  ASSERT_TRUE(some);
  EXPECT_EQ(*some, (entry_counts{5, 0, 0}));
}

}  // namespace
}  // namespace troupe::send
