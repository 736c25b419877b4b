#include "pipeline/parse/text_parser.h"

#include "tests/pipeline/parse/dump.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::parse {
namespace {

std::string run(std::string_view body) {
  return dump<text_parser>(body);
}

TEST(TextParser, ReadsAllForms) {
  EXPECT_EQ(run("# HELP go_gc A \\\\ summary\\nof \\\"pauses\\\".\n"
                "# TYPE go_gc summary\n"
                "go_gc{quantile=\"0\"} 4.9351e-05\n"
                "go_gc{quantile=\"0.25\",} 7.424100000000001e-05\n"
                "go_gc { quantile = \"1\" , a=\"b\" } 8e-5\t1600000000000\n"
                "go_gc_count 99\n"
                "\n"
                "   \t\n"
                "# a comment\n"
                "#HELP no help\n"
                "# HELP\n"
                "# TYPE  h  \n"),
            "help go_gc: \"A \\\\ summary\\nof \\\\\\\"pauses\\\\\\\".\"\n"
            "type go_gc: summary\n"
            "go_gc{quantile=\"0.0\"} = 4.9351e-05\n"
            "go_gc{quantile=\"0.25\"} = 7.424100000000001e-05\n"
            "go_gc{a=\"b\", quantile=\"1.0\"} = 8e-05 @1600000000000\n"
            "go_gc_count = 99\n"
            "comment\ncomment\ncomment\n"
            "error: line 12: invalid metric type \" \"\n");
}

TEST(TextParser, LastLineMayLackItsBreak) {
  EXPECT_EQ(run("a 1"), "a = 1\nend\n");
  EXPECT_EQ(run("a 1 5"), "a = 1 @5\nend\n");
  EXPECT_EQ(run("# HELP a"), "help a: \"\"\nend\n");
  EXPECT_EQ(run(""), "end\n");
  EXPECT_EQ(run("\n\n"), "end\n");
}

TEST(TextParser, ReadsQuotedNames) {
  EXPECT_EQ(run("# TYPE \"http.status\" histogram\n"
                "{\"http.status\",q=\"0.9\",a=\"b\"} 8.3835e-05\n"
                "{\"http.status\",\"le\"=\"1\"} 2\n"
                "{q=\"0.9\",\"http.status\",a=\"b\"} 1\n"
                "{\"go.gc\\\"x\\\"\", \"label with space\"=\"v\\n\\\\\" } +Inf 9\n"
                "{\"just.name\"} NaN\n"),
            "type http.status: histogram\n"
            "{\"http.status\", a=\"b\", q=\"0.9\"} = 8.3835e-05\n"
            "{\"http.status\", le=\"1.0\"} = 2\n"
            "{\"http.status\", a=\"b\", q=\"0.9\"} = 1\n"
            "{\"go.gc\\\"x\\\"\", \"label with space\"=\"v\\n\\\\\"} = inf @9\n"
            "{\"just.name\"} = NaN:7ff8000000000001\n"
            "end\n");
}

TEST(TextParser, FloatLabelsFollowTheLastType) {
  EXPECT_EQ(run("h_bucket{le=\"1\"} 1\n# TYPE h histogram\nh_bucket{le=\"1\"} "
                "1\nh_bucket{quantile=\"1\"} 1\n"
                "# TYPE s summary\ns{quantile=\"1\",le=\"1\"} 1\n# TYPE g gauge\ng{le=\"1\"} 1\n"),
            "h_bucket{le=\"1\"} = 1\ntype h: histogram\nh_bucket{le=\"1.0\"} = 1\n"
            "h_bucket{quantile=\"1\"} = 1\ntype s: summary\n"
            "s{le=\"1\", quantile=\"1.0\"} = 1\ntype g: gauge\ng{le=\"1\"} = 1\nend\n");
}

TEST(TextParser, UnescapesLabelValuesOnly) {
  EXPECT_EQ(run("a{b=\"x\\\\y\\\"z\\nw\\t\"} 1\n"), "a{b=\"x\\\\y\\\"z\\nw\\\\t\"} = 1\nend\n");
  EXPECT_EQ(run("a{b=\"line\nbreak\"} 1\n"), "a{b=\"line\\nbreak\"} = 1\nend\n");
  EXPECT_EQ(run("a{b=\"\"} 1\n"), "a = 1\nend\n");
}

TEST(TextParser, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a\n", "expected value after metric, got \"\\n\" (\"LINEBREAK\") while parsing: \"a\\n\""},
      {"ok 1\na{b='c'} 1\n",
       "line 2: expected label value, got \"'\" (\"INVALID\") while parsing: \"a{b='\""},
      {"a{b=\n", "expected label value, got \"\\n\""},
      {"a{b=\"x} 1\n", "expected label value, got \"\\\"\""},
      {"a{\xff=\"foo\"} 1\n", "expected label name, got \"\\xff\" (\"INVALID\")"},
      {"a{b=\"\xff\"} 1\n", "invalid UTF-8 label value"},
      {"a true\n", "strconv.ParseFloat: parsing \"true\": invalid syntax while parsing: \"a \""},
      {"a 1e999\n", "strconv.ParseFloat: parsing \"1e999\": value out of range"},
      {"a 0x1p-3\n", "parsing \"0x1p-3\": invalid syntax"},
      {"a 1 1.5\n", "expected next entry after timestamp, got \".\""},
      {"a 1 -5\n", "expected timestamp or new record, got \"-\""},
      {"a 1 99999999999999999999\n",
       "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"},
      {"a 1 5 6\n", "expected next entry after timestamp"},
      {"{b=\"c\"} 1\n", "metric name not set while parsing: \"{b=\\\"c\\\"}\""},
      {"a{\"b\"} 1\n", "metric name already set"},
      {"{\"a\",\"b\"} 1\n", "metric name already set"},
      {"a{,} 1\n", "expected label name"},
      {"a{b} 1\n", "expected equal, got \"}\" (\"BCLOSE\")"},
      {"7 1\n", "expected a valid start token, got \"7\""},
      {std::string("\0\0\0", 3), "expected a valid start token, got \"\\x00\""},
      {"# TYPE a nonsense\n", "invalid metric type \"nonsense\""},
      {"# TYPE a info\n", "invalid metric type \"info\""},
      {"# HELP 7\n", "expected metric name after HELP"},
      {"# HELP a \xff\n", "is not a valid utf8 string"},
      {"a 1\r\n", "parsing \"1\\r\": invalid syntax"},
  };
  for (const auto& [body, reason] : cases) {
    const auto got = run(body);
    EXPECT_NE(got.find("error: line"), std::string::npos) << body;
    EXPECT_NE(got.find(reason), std::string::npos) << body << " gave " << got;
  }
}

TEST(TextParser, RepeatedLabelNamesAreAnError) {
  EXPECT_EQ(run("a{b=\"1\",b=\"2\"} 1\n"),
            "bad labels: label name \"b\" is not unique: invalid sample\nend\n");
  EXPECT_EQ(run("a{__name__=\"x\"} 1\n"),
            "bad labels: label name \"__name__\" is not unique: invalid sample\nend\n");
}

TEST(TextParser, TellsEmptyLabelsAndRefusesEmptyNames) {
  text_parser p("a{instance=\"\",b=\"c\"} 1\na{\"\"=\"x\"} 1\n");
  labels_builder b;
  std::vector<std::string> empty;
  ASSERT_EQ(p.next(), entry::series);
  ASSERT_TRUE(p.read_labels(b, &empty).ok());
  EXPECT_EQ(empty, std::vector<std::string>{"instance"});
  EXPECT_EQ(b.build().to_string(), "a{b=\"c\"}");
  ASSERT_EQ(p.next(), entry::series);
  EXPECT_FALSE(p.read_labels(b).ok());
}

TEST(TextParser, LabelCountIsBounded) {
  std::string body = "a{";
  for (size_t i = 0; i <= max_labels; ++i)
    body += "l" + std::to_string(i) + "=\"\",";
  body += "} 1\n";
  EXPECT_NE(run(body).find("too many labels in one series"), std::string::npos);
}

TEST(TextParser, KnownLinesGiveTheSame) {
  const std::string body = "a{b=\"c d\"} 1\na 2 77\na{x=\"}\"}\t-Inf  8 \nlast 4\n";
  text_parser slow(body);
  text_parser fast(body);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(slow.next(), entry::series);
    ASSERT_TRUE(fast.take_known(slow.series().size())) << i;
    EXPECT_EQ(fast.series(), slow.series());
    EXPECT_EQ(fast.entry_text(), slow.entry_text());
    EXPECT_EQ(fast.value(), slow.value());
    EXPECT_EQ(fast.has_timestamp(), slow.has_timestamp());
    if (slow.has_timestamp()) {
      EXPECT_EQ(fast.timestamp(), slow.timestamp());
    }
  }
}

TEST(TextParser, KnownLinesAreRefusedWhereTheSeriesGoesOn) {
  for (const std::string body : {"foo_bar 1\n", "foo{a=\"b\"} 1\n", "foo {a=\"b\"} 1\n", "foo x\n",
                                 "foo\n", "foo", "foo 1 2 3\n", "foo 1 12345678901234567890\n"}) {
    text_parser p(body);
    EXPECT_FALSE(p.take_known(3)) << body;
    EXPECT_EQ(p.position(), body.data());
  }
}

}  // namespace
}  // namespace troupe::parse
