#include "pipeline/parse/openmetrics_parser.h"

#include "tests/pipeline/parse/dump.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::parse {
namespace {

std::string run(std::string_view body) {
  return dump<openmetrics_parser>(body);
}

TEST(OpenMetricsParser, ReadsAllForms) {
  EXPECT_EQ(run("# HELP go_gc_seconds A \\\"summary\\\".\n"
                "# TYPE go_gc_seconds summary\n"
                "# UNIT go_gc_seconds seconds\n"
                "go_gc_seconds{quantile=\"0\"} 4.9351e-05\n"
                "go_gc_seconds{quantile=\"0.5\",a=\"b\"} 8.3835e-05 123.123\n"
                "# TYPE hh histogram\n"
                "hh_bucket{le=\"+Inf\"} 1 # {id=\"x\\\"y\"} 0.67 1520879607.789\n"
                "hh_bucket{le=\"1\"} 1 1520879607 # {} 4\n"
                "# TYPE ss stateset\n# TYPE g gaugehistogram\n# TYPE i info\n# TYPE u unknown\n"
                "{\"q.name\",\"x y\"=\"z\"} 1e9 -0.001\n"
                "# HELP e \n"
                "# EOF\n"),
            "help go_gc_seconds: \"A \\\"summary\\\".\"\n"
            "type go_gc_seconds: summary\n"
            "unit go_gc_seconds: seconds\n"
            "go_gc_seconds{quantile=\"0.0\"} = 4.9351e-05\n"
            "go_gc_seconds{a=\"b\", quantile=\"0.5\"} = 8.3835e-05 @123123\n"
            "type hh: histogram\n"
            "hh_bucket{le=\"+Inf\"} = 1 # {id=\"x\\\"y\"} 0.67 @1520879607789\n"
            "hh_bucket{le=\"1.0\"} = 1 @1520879607000 # {} 4\n"
            "type ss: stateset\ntype g: gaugehistogram\ntype i: info\ntype u: unknown\n"
            "{\"q.name\", \"x y\"=\"z\"} = 1000000000 @-1\n"
            "help e: \"\"\n"
            "end\n");
}

TEST(OpenMetricsParser, EofIsMandatoryAndLast) {
  EXPECT_EQ(run("# EOF"), "end\n");
  EXPECT_EQ(run("a 1\n# EOF\n"), "a = 1\nend\n");
  EXPECT_EQ(run(""), "error: line 1: data does not end with # EOF\n");
  EXPECT_EQ(run("a 1\n"), "a = 1\nerror: line 2: data does not end with # EOF\n");
  EXPECT_EQ(run("a 1"), "error: line 1: data does not end with # EOF\n");
  EXPECT_EQ(run("# EOF\na 1\n"), "error: line 1: unexpected data after # EOF\n");
  EXPECT_EQ(run("# EOF\n\n"), "error: line 1: unexpected data after # EOF\n");
}

TEST(OpenMetricsParser, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\n# EOF\n", "expected a valid start token, got \"\\n\" (\"LINEBREAK\")"},
      {" a 1\n# EOF\n", "expected a valid start token"},
      {"# comment\n# EOF\n", "expected a valid start token"},
      {"#\n# EOF\n", "expected a valid start token"},
      {"# TYPE a counter \n# EOF\n", "invalid metric type \"counter \""},
      {"# TYPE a untyped\n# EOF\n", "invalid metric type \"untyped\""},
      {"# TYPE a\n# EOF\n", "expected text in TYPE"},
      {"# TYPE  a counter\n# EOF\n", "expected metric name after TYPE"},
      {"# UNIT a_bytes seconds\n# EOF\n", "unit \"seconds\" not a suffix of metric \"a_bytes\""},
      {"# UNIT seconds seconds\n# EOF\n", "not a suffix"},
      {"# HELP a x", "expected text in HELP"},
      {"a  1\n# EOF\n", "expected value after metric"},
      {"a\n# EOF\n", "expected value after metric, got \"\\n\" (\"LINEBREAK\")"},
      {"a{b=\"c\" ,d=\"e\"} 1\n# EOF\n", "expected comma or brace close"},
      {"a{ b=\"c\"} 1\n# EOF\n", "expected label name"},
      {"a{b=\"x\ny\"} 1\n# EOF\n", "expected label value"},
      {"a 1 \n# EOF\n", "parsing \"\": invalid syntax"},
      {"a 1 NaN\n# EOF\n", "invalid timestamp \"NaN\""},
      {"a 1 1e300\n# EOF\n", "invalid timestamp \"1e300\""},
      {"a 1 1 1\n# EOF\n", "expected next entry after timestamp"},
      {"a 1 # {\"b\"} 1\n# EOF\n", "expected equal"},
      {"a 1 # {b=\"c\"}\n# EOF\n", "expected value after exemplar labels"},
      {"a 1 # {b=\"c\"} x\n# EOF\n", "parsing \"x\": invalid syntax"},
      {"a 1 # {b=\"c\"} 1 Inf\n# EOF\n", "invalid timestamp \"Inf\""},
      {"a 1 # {b=\"c\"} 1 1 1\n# EOF\n", "expected next entry after exemplar timestamp"},
      {"a 1 #\n# EOF\n", "parsing \"#\": invalid syntax"},
  };
  for (const auto& [body, reason] : cases) {
    const auto got = run(body);
    EXPECT_NE(got.find("error: line"), std::string::npos) << body << " gave " << got;
    EXPECT_NE(got.find(reason), std::string::npos) << body << " gave " << got;
  }
}

// Every series of a body with its start key and whether it is a _created line.
std::vector<std::pair<uint64_t, bool>> keys_of(std::string_view body) {
  std::vector<std::pair<uint64_t, bool>> out;
  openmetrics_parser p(body);
  for (auto e = p.next(); e != entry::end && e != entry::error; e = p.next())
    if (e == entry::series)
      out.emplace_back(p.start_key(), p.is_created());
  return out;
}

TEST(OpenMetricsParser, CreatedLinesShareTheKeyOfTheirSeries) {
  const auto k = keys_of(
      "# TYPE c counter\nc_total{a=\"1\",b=\"2\"} 1\nc_created{b=\"2\",a=\"1\"} 5\nc_total 1\n"
      "# TYPE h histogram\nh_bucket{a=\"1\",le=\"2\"} 1\nh_count{a=\"1\"} 1\nh_sum{a=\"1\"} 1\n"
      "h_created{a=\"1\"} 5\n# TYPE s summary\ns{quantile=\"1\"} 1\ns_created 3\n"
      "# TYPE g gauge\ng_created 1\nc_created 1\n# EOF\n");
  ASSERT_EQ(k.size(), 11u);
  EXPECT_NE(k[0].first, 0u);
  EXPECT_EQ(k[0].first, k[1].first);
  EXPECT_NE(k[0].first, k[2].first);
  EXPECT_TRUE(k[1].second);
  EXPECT_FALSE(k[0].second);
  EXPECT_EQ(k[3].first, k[4].first);
  EXPECT_EQ(k[3].first, k[5].first);
  EXPECT_EQ(k[3].first, k[6].first);
  EXPECT_TRUE(k[6].second);
  EXPECT_EQ(k[7].first, k[8].first);
  EXPECT_FALSE(k[9].second) << "a gauge has no start";
  EXPECT_EQ(k[10].first, 0u) << "of another family";
}

TEST(OpenMetricsParser, StartKeysSurviveASkippedTypeLine) {
  const std::string body = "# TYPE c counter\nc_total 1\nc_created 2\n# EOF\n";
  openmetrics_parser read(body);
  ASSERT_EQ(read.next(), entry::type);
  openmetrics_parser skipped(body);
  skipped.skip_known_type(read.entry_text().size(), metric_type::counter);
  for (auto* p : {&read, &skipped})
    ASSERT_EQ(p->next(), entry::series);
  EXPECT_NE(read.start_key(), 0u);
  EXPECT_EQ(read.start_key(), skipped.start_key());
  ASSERT_EQ(skipped.next(), entry::series);
  EXPECT_TRUE(skipped.is_created());
}

TEST(OpenMetricsParser, KnownLinesGiveTheSame) {
  const std::string body =
      "a{b=\"c\"} 1\na 2 77\nb 3 # {t=\"u\"} 5\nc 4 1.5 # {t=\"u\"} 5 6.25\nd NaN\n# EOF\n";
  openmetrics_parser slow(body);
  openmetrics_parser fast(body);
  while (slow.next() == entry::series) {
    ASSERT_TRUE(fast.take_known(slow.series().size())) << slow.series();
    EXPECT_EQ(fast.series(), slow.series());
    EXPECT_EQ(fast.entry_text(), slow.entry_text());
    EXPECT_EQ(show_value(fast.value()), show_value(slow.value()));
    ASSERT_EQ(fast.has_timestamp(), slow.has_timestamp());
    if (slow.has_timestamp()) {
      EXPECT_EQ(fast.timestamp(), slow.timestamp());
    }
    ASSERT_EQ(fast.has_exemplar(), slow.has_exemplar());
    if (slow.has_exemplar()) {
      EXPECT_EQ(fast.exemplar().labels, slow.exemplar().labels);
      EXPECT_EQ(fast.exemplar().value, slow.exemplar().value);
    }
  }
  EXPECT_EQ(fast.next(), entry::end);
}

TEST(OpenMetricsParser, KnownLinesAreRefusedWhereTheyDiffer) {
  for (const std::string body : {"foo_bar 1\n", "foo{a=\"b\"} 1\n", "foo  1\n", "foo x\n", "foo\n",
                                 "foo", "foo 1 x\n", "foo 1"}) {
    openmetrics_parser p(body);
    EXPECT_FALSE(p.take_known(3)) << body;
    EXPECT_EQ(p.position(), body.data());
  }
}

}  // namespace
}  // namespace troupe::parse
