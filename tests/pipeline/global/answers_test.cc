// What regions answer, as text.
#include "pipeline/global/external_labels.h"
#include "pipeline/global/list_answer.h"

#include <gtest/gtest.h>

namespace troupe::global {
namespace {

TEST(list_answer, names_series_and_warnings) {
  const auto names = parse_list(R"({"status":"success","data":["a","b"],"warnings":["w"],"x":{}})");
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(names->texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(names->warnings, (std::vector<std::string>{"w"}));
  const auto series = parse_list(R"({"data":[{"__name__":"x","a":"1"},{}],"status":"success"})");
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->series,
            (std::vector<labels>{labels::from({{"__name__", "x"}, {"a", "1"}}), {}}));
}

TEST(list_answer, anything_else_is_an_error) {
  for (const std::string text :
       {"", "[]", "{", R"({"status":"success"})", R"({"status":"error","data":[]})",
        R"({"status":"success","data":[1]})", R"({"status":"success","data":[{"a":{}}]})",
        R"({"status":"success","data":[]} x)"}) {
    const auto got = parse_list(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_TRUE(got.error().message().starts_with("not an answer of the API: ")) << text;
  }
}

TEST(external_labels, names_in_a_servers_configuration) {
  const auto names = [](const std::string& yaml) {
    return external_label_names(R"({"status":"success","data":{"yaml":")" + yaml + R"("}})");
  };
  EXPECT_EQ(names(R"(global:\n  external_labels:\n    replica: a\n    region: x\n)"),
            (std::set<std::string>{"region", "replica"}));
  EXPECT_TRUE(names(R"(global: {}\n)").empty());
  EXPECT_TRUE(names(R"(- a\n)").empty());
  EXPECT_TRUE(names(R"(a: [\n)").empty());
  EXPECT_TRUE(external_label_names("no JSON").empty());
  EXPECT_TRUE(external_label_names(R"({"status":"success","data":[]})").empty());
}

}  // namespace
}  // namespace troupe::global
