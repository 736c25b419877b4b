#include "storage/model/slot.h"
#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace troupe::scrape {
namespace {

std::string error_of(const scrape_result& r) {
  return std::string(r.error.message());
}

TEST(Scraper, BatchCarriesTargetLabelsGroupAndSlots) {
  one_target t;
  const auto r = t.scrape("a{b=\"c\"} 1\nb 2 777\n");
  ASSERT_TRUE(r.error.ok());
  EXPECT_EQ(lines_of(*r.batch), (strings{"a{b=\"c\", instance=\"i\", job=\"j\"} 1 @10000",
                                         "b{instance=\"i\", job=\"j\"} 2 @777"}));
  EXPECT_EQ(r.batch->tenant, "");
  EXPECT_EQ(r.batch->group, t.target.public_labels.hash());
  for (size_t i = 0; i < r.batch->table->series.size(); ++i)
    EXPECT_EQ(r.batch->table->slot(i), slot_of("", r.batch->table->series[i]));
}

TEST(Scraper, AutomaticSeries) {
  one_target t;
  auto r = t.scrape("a 1\nb 2\n");
  const auto& b = *r.batch;
  EXPECT_EQ(lines_of(b, true).size(), 7u);
  EXPECT_EQ(report_of(b, "up"), 1);
  EXPECT_EQ(report_of(b, "scrape_duration_seconds"), 0.25);
  EXPECT_EQ(report_of(b, "scrape_samples_scraped"), 2);
  EXPECT_EQ(report_of(b, "scrape_samples_post_metric_relabeling"), 2);
  EXPECT_EQ(report_of(b, "scrape_series_added"), 2);
  EXPECT_TRUE(std::isnan(report_of(b, "scrape_timeout_seconds")));
  r = t.scrape("a 1\nc 2\n");
  EXPECT_EQ(report_of(*r.batch, "scrape_series_added"), 1);
  for (const auto& l : r.batch->table->series)
    EXPECT_EQ(l.get("job"), "j");
}

TEST(Scraper, ExtraAutomaticSeries) {
  auto c = make_config();
  c.extra_scrape_metrics = true;
  c.limits.samples = 5;
  one_target t(c);
  auto r = t.scrape("a 1\n");
  EXPECT_EQ(report_of(*r.batch, "scrape_timeout_seconds"), 5);
  EXPECT_EQ(report_of(*r.batch, "scrape_sample_limit"), 5);
  EXPECT_EQ(report_of(*r.batch, "scrape_body_size_bytes"), 4);
  http::fetch_result big;
  big.error = status(errc::out_of_bounds, "more than 10 bytes");
  r = t.take(big);
  EXPECT_EQ(error_of(r), "body size limit exceeded");
  EXPECT_TRUE(r.body_limit_hit);
  EXPECT_EQ(report_of(*r.batch, "scrape_body_size_bytes"), -1);
  EXPECT_EQ(report_of(*r.batch, "up"), 0);
}

TEST(Scraper, HonorLabels) {
  const std::string body = "a{job=\"x\",instance=\"\",exported_job=\"y\"} 1\nb 1\n";
  one_target plain;
  EXPECT_EQ(
      plain.lines(body),
      (strings{
          "a{exported_exported_job=\"x\", exported_job=\"y\", instance=\"i\", job=\"j\"} 1 @10000",
          "b{instance=\"i\", job=\"j\"} 1 @10000"}));
  auto c = make_config();
  c.honor_labels = true;
  one_target honoring(c);
  EXPECT_EQ(honoring.lines(body), (strings{"a{exported_job=\"y\", job=\"x\"} 1 @10000",
                                           "b{instance=\"i\", job=\"j\"} 1 @10000"}))
      << "a label exposed empty keeps the target's away, as Pushgateway wants it";
}

TEST(Scraper, HonorTimestamps) {
  auto c = make_config();
  c.honor_timestamps = false;
  one_target t(c);
  EXPECT_EQ(t.lines("a 1 5\n"), strings{"a{instance=\"i\", job=\"j\"} 1 @10000"});
}

TEST(Scraper, MetricRelabelling) {
  auto c = make_config();
  config::relabel_config drop;
  drop.action = config::relabel_action::drop;
  drop.source_labels = {"__name__"};
  drop.regex = "a";
  config::relabel_config rename;
  rename.source_labels = {"__name__"};
  rename.regex = "b";
  rename.target_label = "__name__";
  rename.replacement = "renamed";
  c.metric_relabel_configs = {drop, rename};
  one_target t(c);
  for (int round = 1; round <= 3; ++round) {
    const auto r = t.scrape("a 1\nb 2\nc 3\n");
    EXPECT_EQ(lines_of(*r.batch),
              (strings{fmt::format("c{{instance=\"i\", job=\"j\"}} 3 @{}", round * 10'000),
                       fmt::format("renamed{{instance=\"i\", job=\"j\"}} 2 @{}", round * 10'000)}));
    EXPECT_EQ(report_of(*r.batch, "scrape_samples_scraped"), 3);
    EXPECT_EQ(report_of(*r.batch, "scrape_samples_post_metric_relabeling"), 2);
  }
  rename.regex = "c";
  rename.replacement = "";
  c.metric_relabel_configs = {rename};
  one_target nameless(c);
  EXPECT_EQ(error_of(nameless.scrape("c 1\n")), "missing metric name (__name__ label)");
}

TEST(Scraper, DuplicatesFirstWins) {
  one_target t;
  for (int round = 1; round <= 2; ++round) {
    const auto r = t.scrape(
        "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\nb 1 5\nb 2 5\nb 3 6\n");
    ASSERT_TRUE(r.error.ok());
    EXPECT_EQ(r.counts.duplicates, 3u);
    EXPECT_EQ(lines_of(*r.batch),
              (strings{fmt::format("a{{instance=\"i\", job=\"j\", x=\"1\", y=\"2\"}} 1 @{}",
                                   round * 10'000),
                       "b{instance=\"i\", job=\"j\"} 1 @5", "b{instance=\"i\", job=\"j\"} 3 @6"}));
    EXPECT_EQ(report_of(*r.batch, "scrape_samples_post_metric_relabeling"), 6);
  }
  // The same instant, once exposed and once not.
  EXPECT_EQ(t.scrape("a 1\na 2 30000\n").counts.duplicates, 1u);
  EXPECT_EQ(t.scrape("a 1 40000\na 2\n").counts.duplicates, 1u);
}

TEST(Scraper, AnExposedUpWinsOverTheAutomaticOne) {
  one_target t;
  const auto r = t.scrape("up 7\n");
  EXPECT_EQ(report_of(*r.batch, "up"), 7);
  EXPECT_EQ(lines_of(*r.batch, true).size(), 5u);
  const auto gone = t.scrape("x 1\n");
  EXPECT_EQ(report_of(*gone.batch, "up"), 1) << "no stale marker beside it";
  EXPECT_EQ(lines_of(*gone.batch, true).size(), 6u);
}

TEST(Scraper, SamplesTooFarAheadAreCountedAndDropped) {
  one_target t;
  const auto r =
      t.scrape(fmt::format("a 1 {}\nb 2 {}\n", 10'000 + max_ahead_ms, 10'001 + max_ahead_ms));
  EXPECT_TRUE(r.error.ok());
  EXPECT_EQ(r.counts.out_of_bounds, 1u);
  EXPECT_EQ(lines_of(*r.batch).size(), 1u);
}

TEST(Scraper, SampleLimitFailsTheScrapeAndStillCounts) {
  auto c = make_config();
  c.limits.samples = 2;
  one_target t(c);
  EXPECT_TRUE(t.scrape("a 1\nb 1\n").error.ok());
  const auto r = t.scrape("a 1\nb 1\nc 1\nd 1\n");
  EXPECT_EQ(error_of(r), "sample limit exceeded");
  EXPECT_TRUE(r.counts.sample_limit_hit);
  EXPECT_EQ(report_of(*r.batch, "up"), 0);
  EXPECT_EQ(report_of(*r.batch, "scrape_samples_scraped"), 4);
  EXPECT_EQ(report_of(*r.batch, "scrape_samples_post_metric_relabeling"), 4);
  EXPECT_EQ(lines_of(*r.batch), (strings{"a{instance=\"i\", job=\"j\"} stale @20000",
                                         "b{instance=\"i\", job=\"j\"} stale @20000"}));
  EXPECT_TRUE(t.scrape("c 1\nd 1\n").error.ok());
}

TEST(Scraper, LabelLimits) {
  const auto why = [](auto set, const std::string& body) {
    auto c = make_config();
    set(c.limits);
    one_target t(c);
    const auto r = t.scrape(body);
    EXPECT_EQ(r.counts.label_limit_hit, !r.error.ok());
    return error_of(r);
  };
  const std::string body = "metric{long_label_name=\"some value\"} 1\n";
  EXPECT_EQ(why([](auto& l) { l.labels = 3; }, body),
            "label_limit exceeded (metric: metric, number of labels: 4, limit: 3)");
  EXPECT_EQ(why([](auto& l) { l.labels = 4; }, body), "");
  EXPECT_EQ(why([](auto& l) { l.label_name_length = 14; }, body),
            "label_name_length_limit exceeded (metric: metric, label name: long_label_name, "
            "length: 15, limit: 14)");
  EXPECT_EQ(why([](auto& l) { l.label_name_length = 15; }, body), "");
  EXPECT_EQ(why([](auto& l) { l.label_value_length = 9; }, body),
            "label_value_length_limit exceeded (metric: metric, label name: long_label_name, "
            "value: \"some value\", "
            "length: 10, limit: 9)");
  EXPECT_EQ(why([](auto& l) { l.label_value_length = 10; }, body), "");
}

TEST(Scraper, BadInputSetsUpToZeroWithAReason) {
  const auto why = [](const std::string& body, const std::string& type = "text/plain") {
    one_target t;
    t.scrape("a 1\n");
    const auto r = t.scrape(body, type);
    EXPECT_EQ(report_of(*r.batch, "up"), 0) << body;
    EXPECT_EQ(lines_of(*r.batch), strings{"a{instance=\"i\", job=\"j\"} stale @20000"}) << body;
    EXPECT_EQ(t.lines("a 1\n"), strings{"a{instance=\"i\", job=\"j\"} 1 @30000"}) << "it recovers";
    return error_of(r);
  };
  EXPECT_NE(why("b 1\nc{x=\"\xff\"} 2\n").find("line 2: invalid UTF-8 label value"),
            std::string::npos);
  EXPECT_NE(why(std::string("\x7f"
                            "ELF\x01\x02\0\0",
                            8))
                .find("line 1: expected a valid start token"),
            std::string::npos);
  EXPECT_NE(why("{\"\xff\"} 1\n").find("invalid metric name or label names"), std::string::npos);
  EXPECT_NE(why("b{x=\"1\",x=\"2\"} 1\n").find("is not unique"), std::string::npos);
  EXPECT_NE(why("b 1\n", "text/html").find("received unsupported Content-Type \"text/html\""),
            std::string::npos);
  EXPECT_NE(why("b 1\n", "").find("blank Content-Type"), std::string::npos);
  EXPECT_NE(why("b 1\n", "application/openmetrics-text").find("data does not end with # EOF"),
            std::string::npos);
}

TEST(Scraper, LegacyNamesWhereAskedFor) {
  auto c = make_config();
  c.validation = config::name_validation::legacy;
  one_target t(c);
  EXPECT_NE(
      error_of(t.scrape("{\"a.b\"} 1\n")).find("invalid metric name or label names: {\"a.b\""),
      std::string::npos);
  one_target utf8;
  EXPECT_TRUE(utf8.scrape("{\"a.b\",\"c d\"=\"e\"} 1\n").error.ok());
}

TEST(Scraper, FallbackProtocol) {
  auto c = make_config();
  c.fallback_scrape_protocol = config::scrape_protocol::prometheus_text_0_4;
  one_target t(c);
  EXPECT_TRUE(t.scrape("a 1\n", "").error.ok());
  EXPECT_TRUE(t.scrape("a 1\n", "text/html").error.ok());
}

TEST(Scraper, HttpStatusAndTransportErrors) {
  one_target t;
  http::fetch_result got;
  got.code = 404;
  got.body = "a 1\n";
  EXPECT_EQ(error_of(t.take(got)), "server returned HTTP status 404 Not Found");
  got.error = status(errc::timeout, "context deadline exceeded");
  EXPECT_EQ(error_of(t.take(got)), "context deadline exceeded");
}

TEST(Scraper, AnEmptyBodyIsAHealthyTargetWithoutSeries) {
  one_target t;
  t.scrape("a 1\n");
  const auto r = t.scrape("", "");
  EXPECT_TRUE(r.error.ok());
  EXPECT_EQ(report_of(*r.batch, "up"), 1);
  EXPECT_EQ(lines_of(*r.batch), strings{"a{instance=\"i\", job=\"j\"} stale @20000"});
}

TEST(Scraper, MetadataIsSentWhenItIsNewOrChanged) {
  one_target t;
  const auto show = [](const scrape_result& r) {
    std::string out;
    for (const auto& m : r.batch->metadata)
      out += m.family + "|" + std::string(to_string(m.value.type)) + "|" + m.value.unit + "|" +
             m.value.help + ";";
    return out;
  };
  const std::string body =
      "# HELP a first\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n# HELP lonely x\n";
  EXPECT_EQ(show(t.scrape(body)), "a|counter||first;b|gauge||;lonely|unknown||x;");
  EXPECT_EQ(show(t.scrape(body)), "");
  EXPECT_EQ(show(t.scrape("# HELP a second\n# TYPE a counter\na 1\n")), "a|counter||second;")
      << "the unchanged TYPE goes along";
  one_target failing;
  EXPECT_EQ(show(failing.scrape(body + "broken\n")), "");
  EXPECT_EQ(show(failing.scrape(body)), "a|counter||first;b|gauge||;lonely|unknown||x;")
      << "what a failed scrape threw away is sent later";
  one_target om;
  EXPECT_EQ(show(om.scrape_openmetrics(
                "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds h\n"
                "a_seconds_total 1\n# EOF\n")),
            "a_seconds|counter|seconds|h;");
}

TEST(Scraper, ExemplarsReachTheBatch) {
  one_target t;
  const std::string long_value(129, 'x');
  for (int round = 1; round <= 2; ++round) {
    const auto r = t.scrape_openmetrics(
        "a_total 1 # {trace_id=\"t\"} 0.5 1.25\nb_total 2 # {trace_id=\"u\"} 0.75\n"
        "c_total 3 # {t=\"" +
        long_value + "\"} 1\n# EOF\n");
    ASSERT_TRUE(r.error.ok()) << r.error.message();
    ASSERT_EQ(r.batch->exemplars.size(), 2u) << "the third is longer than OpenMetrics allows";
    const auto& e = r.batch->exemplars[0];
    EXPECT_EQ(r.batch->table->series[e.series].metric_name(), "a_total");
    EXPECT_EQ(e.value.lset.to_string(), "{trace_id=\"t\"}");
    EXPECT_EQ(e.value.value, 0.5);
    EXPECT_EQ(e.value.ts, 1'250);
    EXPECT_EQ(r.batch->exemplars[1].value.ts, round * 10'000) << "the sample's time";
  }
}

// "series start" of every float that has one.
strings starts_of(const write_batch& b) {
  strings out;
  for (const auto& s : b.starts)
    out.push_back(
        fmt::format("{} {}", b.table->series[b.floats[s.index].series].to_string(), s.start_ts));
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Scraper, CreatedLinesBecomeStartTimestamps) {
  one_target t;
  for (int round = 1; round <= 4; ++round) {
    const auto r = t.scrape_openmetrics(
        "# TYPE c counter\nc_total{a=\"1\"} 5\nc_created{a=\"1\"} 1.5\nc_total{a=\"2\"} 5\n"
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum "
        "1\nh_created 2.25\n"
        "# TYPE g gauge\ng 1\n# EOF\n");
    ASSERT_TRUE(r.error.ok()) << r.error.message();
    EXPECT_EQ(starts_of(*r.batch), (strings{"c_total{a=\"1\", instance=\"i\", job=\"j\"} 1500",
                                            "h_bucket{instance=\"i\", job=\"j\", le=\"+Inf\"} 2250",
                                            "h_bucket{instance=\"i\", job=\"j\", le=\"1.0\"} 2250",
                                            "h_count{instance=\"i\", job=\"j\"} 2250",
                                            "h_sum{instance=\"i\", job=\"j\"} 2250"}))
        << "round " << round;
    EXPECT_EQ(lines_of(*r.batch).size(), 9u) << "the _created lines stay series";
  }
}

TEST(Scraper, CreatedLinesThatAppearLater) {
  one_target t;
  const std::string before = "# TYPE c counter\nc_total 5\nd 1\n# EOF\n";
  const std::string after = "# TYPE c counter\nc_total 5\nc_created 1.5\nd 1\n# EOF\n";
  t.scrape_openmetrics(before);
  t.scrape_openmetrics(after);
  EXPECT_EQ(starts_of(*t.scrape_openmetrics(after).batch),
            strings{"c_total{instance=\"i\", job=\"j\"} 1500"});
  EXPECT_EQ(starts_of(*t.scrape_openmetrics(after).batch),
            strings{"c_total{instance=\"i\", job=\"j\"} 1500"});
  EXPECT_TRUE(starts_of(*t.scrape_openmetrics(before).batch).empty());
}

TEST(Scraper, CreatedLinesWorkWhenRelabellingDropsThem) {
  auto c = make_config();
  config::relabel_config drop;
  drop.action = config::relabel_action::drop;
  drop.source_labels = {"__name__"};
  drop.regex = ".*_created";
  c.metric_relabel_configs = {drop};
  one_target t(c);
  for (int round = 0; round < 3; ++round) {
    const auto r = t.scrape_openmetrics("# TYPE c counter\nc_total 5\nc_created 1.5\n# EOF\n");
    EXPECT_EQ(starts_of(*r.batch).size(), 1u);
    EXPECT_EQ(lines_of(*r.batch).size(), 1u);
  }
}

// A counter that began at `created` (seconds) and a summary without labels.
std::string counter_body(const std::string& created, int value) {
  return fmt::format("# TYPE c counter\nc_total{{a=\"1\"}} {}\nc_created{{a=\"1\"}} {}\n# EOF\n",
                     value, created);
}

TEST(Scraper, ZeroAtStartOnceAndAgainAfterAReset) {
  const std::string c = "c_total{a=\"1\", instance=\"i\", job=\"j\"} ";
  one_target t;
  t.zero_at_start = true;
  auto r = t.scrape_openmetrics(counter_body("4.5", 7));
  EXPECT_EQ(lines_of(*r.batch), (strings{c + "0 @4500", c + "7 @10000"}));
  EXPECT_EQ(r.batch->floats[0].ts, 4500) << "in order of time";
  EXPECT_EQ(starts_of(*r.batch), strings{c + "4500"}) << "still of the sample itself";
  EXPECT_EQ(report_of(*r.batch, "scrape_samples_scraped"), 1) << "a _created line is no sample";
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(lines_of(*t.scrape_openmetrics(counter_body("4.5", 8)).batch).size(), 1u);
  EXPECT_EQ(t.time, 40'000);
  r = t.scrape_openmetrics(counter_body("43", 1));
  EXPECT_EQ(lines_of(*r.batch), (strings{c + "0 @43000", c + "1 @50000"}));
  // A start before what is stored, or not before the sample.
  EXPECT_EQ(lines_of(*t.scrape_openmetrics(counter_body("49", 1)).batch).size(), 1u);
  EXPECT_EQ(lines_of(*t.scrape_openmetrics(counter_body("70", 1)).batch).size(), 1u);
  EXPECT_EQ(lines_of(*t.scrape_openmetrics(counter_body("99", 1)).batch).size(), 1u);
}

TEST(Scraper, ZeroAtStartAfterFailedScrapes) {
  one_target t;
  t.zero_at_start = true;
  t.scrape_openmetrics(counter_body("4.5", 7));
  EXPECT_FALSE(t.scrape_openmetrics("broken").error.ok());
  const auto r = t.scrape_openmetrics(counter_body("15", 1));
  EXPECT_EQ(lines_of(*r.batch).front(), "c_total{a=\"1\", instance=\"i\", job=\"j\"} 0 @15000");
}

TEST(Scraper, ZeroAtStartOfAllSeriesOfAHistogramButNotLongAgo) {
  one_target t;
  t.zero_at_start = true;
  t.time = 10'000'000;
  const auto body = [](const std::string& created) {
    return "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\nh_created " + created +
           "\n# EOF\n";
  };
  auto r = t.scrape_openmetrics(body("6400"));
  EXPECT_EQ(r.batch->starts.size(), 3u);
  EXPECT_EQ(lines_of(*r.batch).size(), 3u) << "more than an hour ago";
  one_target fresh;
  fresh.zero_at_start = true;
  fresh.time = 10'000'000;
  r = fresh.scrape_openmetrics(body("6420"));
  EXPECT_EQ(lines_of(*r.batch).size(), 6u);
  EXPECT_EQ(r.batch->floats[2].value, 0);
  EXPECT_EQ(r.batch->floats[2].ts, 6'420'000);
}

}  // namespace
}  // namespace troupe::scrape
