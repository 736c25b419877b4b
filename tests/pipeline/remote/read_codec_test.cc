#include "pipeline/remote/read_codec.h"

#include "pipeline/remote/message_encoder.h"

#include <gtest/gtest.h>

namespace troupe::remote {
namespace {

std::string number(uint32_t field, uint64_t v) {
  std::string out;
  put_number(out, field, v);
  return out;
}
std::string text(uint32_t field, std::string_view bytes) {
  std::string out;
  put_text(out, field, bytes);
  return out;
}
std::string matcher_of(uint64_t op, std::string_view name, std::string_view value) {
  return text(3, number(1, op) + text(2, name) + text(3, value));
}

TEST(ReadCodec, RequestsComeBackAsTheyWent) {
  read_query q;
  q.start = -5;
  q.end = 77'000;
  q.ms = {*matcher::make(match_op::equal, "__name__", "up"),
          *matcher::make(match_op::not_equal, "a", ""), *matcher::make(match_op::regex, "b", "x.*"),
          *matcher::make(match_op::not_regex, "c", "y|z")};
  q.hints.start = 1;
  q.hints.end = 2;
  q.hints.step_ms = 3;
  q.hints.range_ms = 4;
  q.hints.function = "rate";
  const auto got = decode_read_request(encode_read_request(q));
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->wanted, read_response::streamed_chunks);
  ASSERT_EQ(got->queries.size(), 1u);
  const auto& back = got->queries.front();
  EXPECT_EQ(back.start, q.start);
  EXPECT_EQ(back.end, q.end);
  EXPECT_EQ(back.ms, q.ms);
  EXPECT_EQ(back.hints.start, 1);
  EXPECT_EQ(back.hints.end, 2);
  EXPECT_EQ(back.hints.step_ms, 3);
  EXPECT_EQ(back.hints.range_ms, 4);
  EXPECT_EQ(back.hints.function, "rate");
}

TEST(ReadCodec, FirstKnownResponseTypeIsTaken) {
  EXPECT_EQ(decode_read_request("")->wanted, read_response::samples);
  EXPECT_EQ(decode_read_request(number(2, 7) + number(2, 1))->wanted,
            read_response::streamed_chunks);
  EXPECT_EQ(decode_read_request(text(2, std::string("\x07\x00\x01", 3)))->wanted,
            read_response::samples);
  const auto none = decode_read_request(number(2, 7) + number(2, 8));
  EXPECT_EQ(none.error().message(),
            "server does not support any of the requested response types: 7 8; supported: SAMPLES, "
            "STREAMED_XOR_CHUNKS");
}

TEST(ReadCodec, BadRequestsAreRefused) {
  EXPECT_EQ(decode_read_request(text(1, matcher_of(4, "a", "b"))).error().message(),
            "invalid matcher type");
  EXPECT_FALSE(decode_read_request(text(1, matcher_of(2, "a", "("))).ok());
  EXPECT_FALSE(decode_read_request("\x0a\x05").ok());
  EXPECT_FALSE(decode_read_request(number(1, 5)).ok());
}

TEST(ReadCodec, ResponsesThatDoNotHoldAreRefused) {
  const std::string label = text(1, text(1, "a") + text(2, "b"));
  EXPECT_EQ(decode_read_response("").error().message(), "responses: want 1, got 0");
  const auto twice = decode_read_response(text(1, text(1, label + label)));
  EXPECT_EQ(twice.error().message(), "duplicate label name \"a\"");
  const auto good = decode_read_response(text(1, text(1, label) + text(1, label)));
  ASSERT_TRUE(good.ok());
  ASSERT_EQ(good->size(), 1u);
  EXPECT_EQ(good->front().messages.size(), 2u);
  storage::sample_columns c;
  const std::string unknown = text(2, number(3, 9) + text(4, "xyz"));
  EXPECT_EQ(read_samples(unknown, read_response::streamed_chunks, 0, 10, c).code(),
            errc::unsupported);
  const std::string cut = text(2, number(3, 1) + text(4, "x"));
  EXPECT_EQ(read_samples(cut, read_response::streamed_chunks, 0, 10, c).code(), errc::corruption);
  const std::string elsewhere = text(2, number(1, 20) + number(2, 30) + number(3, 9));
  EXPECT_TRUE(read_samples(elsewhere, read_response::streamed_chunks, 0, 10, c).ok());
}

}  // namespace
}  // namespace troupe::remote
