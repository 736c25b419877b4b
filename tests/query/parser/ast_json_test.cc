// The tree as /api/v1/parse_query sends it.
#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

std::string json(std::string_view text) {
  const auto r = parse(text, parse_options::everything());
  if (!r.ok())
    return std::string(r.error().message());
  std::string out;
  append_json(out, **r);
  return out;
}

TEST(AstJson, Nodes) {
  EXPECT_EQ(json("1.5"), R"({"type":"numberLiteral","val":"1.5"})");
  EXPECT_EQ(json("5m"), R"({"type":"numberLiteral","val":"300"})");
  EXPECT_EQ(json("\"a\\\"\\n\""), R"({"type":"stringLiteral","val":"a\"\n"})");
  EXPECT_EQ(json("(-a)"), R"({"expr":{"expr":{"anchored":false,"matchers":[{"name":"__name__",)"
                          R"("type":"=","value":"a"}],"name":"a","offset":0,"smoothed":false,)"
                          R"("startOrEnd":null,"timestamp":null,"type":"vectorSelector"},)"
                          R"("op":"-","type":"unaryExpr"},"type":"parenExpr"})");
  EXPECT_EQ(json("a[5m] offset 1m @ end()"),
            R"({"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"a"}],)"
            R"("name":"a","offset":60000,"range":300000,"smoothed":false,"startOrEnd":"end",)"
            R"("timestamp":null,"type":"matrixSelector"})");
  EXPECT_EQ(json("{a=~\"b\"}[1h:5m] @ 7"),
            R"({"expr":{"anchored":false,"matchers":[{"name":"a","type":"=~","value":"b"}],)"
            R"("name":"","offset":0,"smoothed":false,"startOrEnd":null,"timestamp":null,)"
            R"("type":"vectorSelector"},"offset":0,"range":3600000,"startOrEnd":null,)"
            R"("step":300000,"timestamp":7000,"type":"subquery"})");
}

TEST(AstJson, Operators) {
  EXPECT_EQ(json("1 == bool 2"),
            R"({"bool":true,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,"op":"==",)"
            R"("rhs":{"type":"numberLiteral","val":"2"},"type":"binaryExpr"})");
  const auto text = json("a / on(x) group_left(y) fill_left(0.5) b");
  EXPECT_NE(text.find(R"("matching":{"card":"many-to-one","fillValues":{"lhs":0.5,"rhs":null},)"
                      R"("include":["y"],"labels":["x"],"on":true},"op":"/")"),
            std::string::npos)
      << text;
}

TEST(AstJson, AggregationsAndCalls) {
  const auto sum = json("topk by (a) (3, x)");
  EXPECT_NE(sum.find(R"("grouping":["a"],"op":"topk","param":{"type":"numberLiteral","val":"3"},)"
                     R"("type":"aggregation","without":false})"),
            std::string::npos)
      << sum;
  EXPECT_EQ(json("time()"), R"({"args":[],"func":{"argTypes":[],"name":"time",)"
                            R"("returnType":"scalar","variadic":0},"type":"call"})");
  EXPECT_NE(
      json("rate(a[5m])").find(R"("argTypes":["matrix"],"name":"rate","returnType":"vector")"),
      std::string::npos);
}

TEST(JsonString, EscapesAndRepairs) {
  std::string out;
  append_json_string(out, std::string_view("a\"\\\n\r\t\x01\x7f/é\xff\xc3", 13));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\r\\t\\u0001\x7f/é\\ufffd\\ufffd\"");
}

}  // namespace
}  // namespace troupe::query
