#include "pipeline/parse/json_reader.h"

#include <gtest/gtest.h>

namespace troupe::parse {
namespace {

/// The value printed back, blanks and escapes gone: what the reader saw.
std::string printed(json_reader& in) {
  std::string out;
  switch (in.next()) {
    case json_reader::kind::object:
      in.object([&](std::string_view key) {
        out.append(key).append("=").append(printed(in)).append(";");
      });
      return "{" + out + "}";
    case json_reader::kind::array:
      in.array([&] { out += printed(in) + ";"; });
      return "[" + out + "]";
    case json_reader::kind::string:
      return "'" + std::string(in.string()) + "'";
    case json_reader::kind::number:
      return std::string(in.number());
    case json_reader::kind::boolean:
      return in.boolean() ? "T" : "F";
    default:
      in.null();
      return "0";
  }
}

/// The value, or the error.
std::string read(std::string_view text) {
  json_reader in(text);
  auto out = printed(in);
  in.finish();
  return in.failed() ? std::string(in.error().message()) : out;
}

TEST(json_reader, reads_every_kind_of_value) {
  EXPECT_EQ(read(R"( { "a" : [ 1 , -2.5e+7, true,false ,null ] , "b":{}, "":"x" } )"),
            "{a=[1;-2.5e+7;T;F;0;];b={};='x';}");
  EXPECT_EQ(read("[]"), "[]");
  EXPECT_EQ(read("0"), "0");
  EXPECT_EQ(read("\"\""), "''");
}

TEST(json_reader, takes_escapes_away) {
  EXPECT_EQ(read(R"("\"\\\/\b\f\n\r\t")"), "'\"\\/\b\f\n\r\t'");
  EXPECT_EQ(read(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "'A\u00e9\u20ac\U0001f600'");
  EXPECT_EQ(read(R"("\ud83d\u0041 \ude00 \ud83d")"), "'\ufffdA \ufffd \ufffd'");
  EXPECT_EQ(read(R"({"\u006b":1})"), "{k=1;}");
}

TEST(json_reader, says_where_it_is_malformed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "byte 0: expected null"},
      {"{\"a\":1", "byte 6: expected ',' or '}'"},
      {"{\"a\" 1}", "byte 5: expected ':'"},
      {"{a:1}", "byte 1: expected a string"},
      {"{\"a\":1,}", "byte 7: expected a string"},
      {"[1,]", "byte 3: expected null"},
      {"[1 2]", "byte 3: expected ',' or ']'"},
      {"\"ab", "byte 0: a string without an end"},
      {"\"a\nb\"", "byte 0: a string without an end"},
      {"\"\\", "byte 0: a string without an end"},
      {"\"\\x\"", "byte 0: a malformed escape"},
      {"\"\\u12g4\"", "byte 0: a malformed escape"},
      {"01", "byte 0: expected a number"},
      {"1.", "byte 0: expected a number"},
      {"-", "byte 0: expected a number"},
      {"1e", "byte 0: expected a number"},
      {"tru", "byte 0: expected true"},
      {"1 2", "byte 2: text behind the value"},
  };
  for (const auto& [text, error] : cases)
    EXPECT_EQ(read(text), std::string("malformed JSON at ") + error) << text;
}

TEST(json_reader, is_bounded_in_depth) {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(read(nested(json_reader::max_depth)).front(), '[');
  EXPECT_EQ(read(nested(json_reader::max_depth + 1)),
            "malformed JSON at byte 129: nested too deeply");
  const std::string deep(1 << 20, '[');
  json_reader in(deep);
  in.skip();
  EXPECT_TRUE(in.failed());
}

TEST(json_reader, keeps_a_value_for_later) {
  json_reader in(R"({"later": [ {"a":"\n"}, 2 ] ,"n":1})", 100);
  std::string_view later;
  in.object([&](std::string_view key) {
    if (key == "later")
      later = in.raw();
    else
      in.skip();
  });
  in.finish();
  ASSERT_FALSE(in.failed());
  EXPECT_EQ(later, R"([ {"a":"\n"}, 2 ])");
  json_reader again(later);
  EXPECT_EQ(printed(again), "[{a='\n';};2;]");
}

TEST(json_reader, adopts_the_failure_of_a_part) {
  json_reader in("[ x, 1]", 50);
  json_reader part(" x", 51);
  part.skip();
  in.adopt_failure(part);
  EXPECT_EQ(in.error().message(), "malformed JSON at byte 52: expected a value");
  EXPECT_TRUE(in.failed());
}

TEST(json_reader, an_error_ends_everything) {
  json_reader in("[1, x, {\"a\": [2]}]");
  int elements = 0;
  in.array([&] {
    ++elements;
    in.skip();
  });
  EXPECT_EQ(elements, 2);
  EXPECT_EQ(in.string(), "");
  EXPECT_EQ(in.number(), "");
  EXPECT_FALSE(in.boolean());
  in.object([&](std::string_view) { FAIL(); });
}

}  // namespace
}  // namespace troupe::parse
