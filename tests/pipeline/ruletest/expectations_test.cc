#include "pipeline/ruletest/expectations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::rules {
namespace {

query::vector_value one(double value) {
  return {{labels::from({{"a", "b"}}), 0, value, nullptr}};
}

config::expression_test expecting(double value) {
  return {"e", 0, {{"{a=\"b\"}", value, ""}}};
}

TEST(expectations, values_are_compared_bit_by_bit_or_but_for_the_last) {
  const double next = std::nextafter(0.3, 1);
  EXPECT_EQ(compare_samples(expecting(0.3), one(0.3), false), "");
  EXPECT_NE(compare_samples(expecting(0.3), one(next), false), "");
  EXPECT_EQ(compare_samples(expecting(0.3), one(next), true), "");
  EXPECT_NE(compare_samples(expecting(0.3), one(std::nextafter(next, 1)), true), "");
  EXPECT_EQ(compare_samples(expecting(0.0), one(-0.0), false), "");
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(compare_samples(expecting(nan), one(nan), true), "");
}

TEST(expectations, both_sides_are_told) {
  EXPECT_EQ(compare_samples(expecting(1), one(2), false),
            "\n        exp: {a=\"b\"} 1\n        got: {a=\"b\"} 2");
  EXPECT_EQ(compare_samples({"e", 0, {}}, one(2), false),
            "\n        exp: nil\n        got: {a=\"b\"} 2");
  EXPECT_EQ(compare_samples({"e", 0, {{"a=", 1, ""}}}, one(2), false).substr(0, 17),
            "err: labels \"a=\":");
}

TEST(expectations, alerts_in_any_order_with_empty_annotations) {
  alert a, b;
  a.lset = labels::from({{"alertname", "x"}, {"i", "1"}});
  a.annotations = {{"s", ""}};
  b.lset = labels::from({{"alertname", "x"}, {"i", "2"}});
  config::alert_rule_test want{0, "x", {{{{"i", "2"}}, {}}, {{{"i", "1"}}, {{"s", ""}}}}};
  EXPECT_EQ(compare_alerts(want, {a, b}), "");
  want.alerts[1].annotations.clear();
  EXPECT_EQ(compare_alerts(want, {a, b}),
            "        exp: [\n"
            "            0: labels: {alertname=\"x\", i=\"1\"}\n"
            "               annotations: {}\n"
            "            1: labels: {alertname=\"x\", i=\"2\"}\n"
            "               annotations: {}\n"
            "        ],\n"
            "        got: [\n"
            "            0: labels: {alertname=\"x\", i=\"1\"}\n"
            "               annotations: {s=\"\"}\n"
            "            1: labels: {alertname=\"x\", i=\"2\"}\n"
            "               annotations: {}\n"
            "        ]");
  EXPECT_EQ(compare_alerts({0, "x", {}}, {}), "");
}

}  // namespace
}  // namespace troupe::rules
