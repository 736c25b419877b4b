#include "pipeline/otlp/any_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::otlp {
namespace {

using kind = any_value::kind;

any_value text(std::string_view t) {
  any_value v;
  v.type = kind::text;
  v.text = t;
  return v;
}
any_value integer(int64_t n) {
  any_value v;
  v.type = kind::integer;
  v.integer = n;
  return v;
}
any_value real(double d) {
  any_value v;
  v.type = kind::real;
  v.real = d;
  return v;
}
any_value boolean(bool b) {
  any_value v;
  v.type = kind::boolean;
  v.boolean = b;
  return v;
}
any_value bytes(std::string_view b) {
  any_value v;
  v.type = kind::bytes;
  v.text = b;
  return v;
}
any_value nested(kind type, std::vector<any_value::member> members) {
  any_value v;
  v.type = type;
  v.members = std::move(members);
  return v;
}

TEST(any_value, scalars_as_text) {
  EXPECT_EQ(to_text({}), "");
  EXPECT_EQ(to_text(text("a\"b")), "a\"b");
  EXPECT_EQ(to_text(boolean(true)), "true");
  EXPECT_EQ(to_text(integer(std::numeric_limits<int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(to_text(bytes(std::string_view("\0\xff", 2))), "AP8=");
}

TEST(any_value, doubles_as_encoding_json_prints_them) {
  const std::pair<double, const char*> cases[] = {{0, "0"},
                                                  {-0.0, "-0"},
                                                  {1, "1"},
                                                  {0.1, "0.1"},
                                                  {1e20, "100000000000000000000"},
                                                  {1e21, "1e+21"},
                                                  {1e-6, "0.000001"},
                                                  {1e-7, "1e-7"},
                                                  {-2.5e-10, "-2.5e-10"},
                                                  {1.5e300, "1.5e+300"},
                                                  {std::nan(""), "json: unsupported value: NaN"},
                                                  {HUGE_VAL, "json: unsupported value: +Inf"},
                                                  {-HUGE_VAL, "json: unsupported value: -Inf"}};
  for (const auto& [value, expected] : cases)
    EXPECT_EQ(to_text(real(value)), expected);
}

TEST(any_value, arrays_and_maps_are_json) {
  EXPECT_EQ(to_text(nested(kind::array, {})), "[]");
  EXPECT_EQ(to_text(nested(kind::map, {})), "{}");
  EXPECT_EQ(to_text(nested(kind::array, {{"", text("a<b>&\n\x01\u2028\xff")},
                                         {"", integer(-1)},
                                         {"", real(0.5)},
                                         {"", boolean(false)},
                                         {"", {}},
                                         {"", bytes("x")}})),
            R"(["a<b>&\n\u0001\u2028\ufffd",-1,0.5,false,null,"eA=="])");
  // Keys are sorted; of equal ones the last counts.
  EXPECT_EQ(to_text(nested(kind::map, {{"b", integer(1)},
                                       {"a", nested(kind::map, {{"\"", text("\\")}})},
                                       {"b", integer(2)}})),
            R"({"a":{"\"":"\\"},"b":2})");
  EXPECT_EQ(to_text(nested(kind::array, {{"", real(std::nan(""))}})), "");
}

}  // namespace
}  // namespace troupe::otlp
