// When the metric name goes: at once by default, at the end with delayed name removal; and what
// becomes of labels in operations.
#include "tests/query/engine/engine_fixture.h"

namespace troupe::query {
namespace {

class Names : public engine_fixture {
 protected:
  void SetUp() override {
    load(minute, "x_total{env=\"1\", __type__=\"counter\"} 0+60x10");
    load(minute, "y_total{env=\"1\"} 60+60x10");
  }
  std::string at_end(std::string_view text) { return at(text, 10 * minute); }
};

TEST_F(Names, OperationsThatChangeTheMetricDropIt) {
  EXPECT_EQ(at_end("x_total * 2"), "{env=\"1\"} 1200");
  EXPECT_EQ(at_end("-x_total"), "{env=\"1\"} -600");
  EXPECT_EQ(at_end("rate(x_total[5m])"), "{env=\"1\"} 1");
  EXPECT_EQ(at_end("x_total > bool 1"), "{env=\"1\"} 1");
  EXPECT_EQ(at_end("clamp_max(x_total, 5)"), "{env=\"1\"} 5");
}

TEST_F(Names, ComparisonsAndSelectionsKeepIt) {
  EXPECT_EQ(at_end("x_total > 1"), "x_total{__type__=\"counter\", env=\"1\"} 600");
  EXPECT_EQ(at_end("last_over_time(y_total[5m])"), "y_total{env=\"1\"} 660");
  EXPECT_EQ(at_end("+y_total"), "y_total{env=\"1\"} 660");
  EXPECT_EQ(at_end("y_total and on(env) x_total"), "y_total{env=\"1\"} 660");
  EXPECT_EQ(at_end("sort_desc(y_total)"), "y_total{env=\"1\"} 660");
}

TEST_F(Names, DroppedAtOnceByDefault) {
  EXPECT_EQ(at_end("rate({env=\"1\"}[5m])"),
            "error: vector cannot contain metrics with the same labelset");
  EXPECT_EQ(at_end("label_replace(rate(x_total[5m]), \"n\", \"$1\", \"__name__\", \"(.+)\")"),
            "{env=\"1\"} 1");
}

TEST_F(Names, DroppedAtTheEndWhenDelayed) {
  options.enable_delayed_name_removal = true;
  EXPECT_EQ(at_end("rate({env=\"1\"}[5m])"),
            "error: vector cannot contain metrics with the same labelset");
  EXPECT_EQ(at_end("label_replace(rate({env=\"1\"}[5m]), \"n\", \"$1\", \"__name__\", \"(.+)\")"),
            "{env=\"1\", n=\"x_total\"} 1; {env=\"1\", n=\"y_total\"} 1");
  EXPECT_EQ(at_end("label_replace(rate({env=\"1\"}[5m]), \"__name__\", \"r_$1\", \"__name__\", "
                   "\"(.+)\")"),
            "r_x_total{__type__=\"counter\", env=\"1\"} 1; r_y_total{env=\"1\"} 1");
  EXPECT_EQ(at_end("sum by (env) (rate({env=\"1\"}[5m]))"), "{env=\"1\"} 2");
  EXPECT_EQ(at_end("last_over_time(abs(y_total)[5m:1m])"), "{env=\"1\"} 660");
  EXPECT_EQ(at_end("rate(x_total[5m]) > 0"), "{env=\"1\"} 1");
}

TEST_F(Names, SeriesThatTakeTurnsAreJoinedOnceTheirNamesAreGone) {
  load(10 * minute, "turn_a 1 _");
  load(10 * minute, "turn_b _ 4");
  const char* text = "-{__name__=~\"turn_.\"}";
  EXPECT_EQ(over(text, 0, 10 * minute, 10 * minute), "{} -1@0 -4@600");
  options.enable_delayed_name_removal = true;
  EXPECT_EQ(over(text, 0, 10 * minute, 10 * minute), "{} -1@0 -4@600");
}

TEST_F(Names, MatchingCopiesLabelsFromTheOneSide) {
  load(minute, "role{instance=\"a\", role=\"db\"} 1");
  load(minute, "cpu{instance=\"a\", mode=\"idle\"} 3");
  load(minute, "cpu{instance=\"a\", mode=\"user\", role=\"old\"} 1");
  EXPECT_EQ(at("cpu * on(instance) group_left(role) role", 0),
            "{instance=\"a\", mode=\"idle\", role=\"db\"} 3; {instance=\"a\", mode=\"user\", "
            "role=\"db\"} 1");
  EXPECT_EQ(at("cpu > on(instance) group_left(none) role", 0),
            "cpu{instance=\"a\", mode=\"idle\"} 3");
  EXPECT_EQ(at("role * on(instance) group_right() cpu", 0),
            "{instance=\"a\", mode=\"idle\"} 3; {instance=\"a\", mode=\"user\", role=\"old\"} 1");
  EXPECT_EQ(at("sum by (instance) (cpu) / on(instance) role", 0), "{instance=\"a\"} 4");
}

TEST_F(Names, FillStandsInForTheMissingSide) {
  options.parse = parse_options::everything();
  load(minute, "l{a=\"1\"} 1");
  load(minute, "l{a=\"2\"} 2");
  load(minute, "r{a=\"2\"} 20");
  load(minute, "r{a=\"3\"} 30");
  EXPECT_EQ(at("l - fill(0) r", 0), "{a=\"1\"} 1; {a=\"2\"} -18; {a=\"3\"} -30");
  EXPECT_EQ(at("l - fill_left(5) r", 0), "{a=\"2\"} -18; {a=\"3\"} -25");
  EXPECT_EQ(at("l - fill_right(5) r", 0), "{a=\"1\"} -4; {a=\"2\"} -18");
  // The sides keep their meaning where the left one is the "one".
  EXPECT_EQ(at("l - on(a) group_right fill_left(5) r", 0), "{a=\"2\"} -18; {a=\"3\"} -25");
}

TEST_F(Names, SortsInstantsOnly) {
  options.parse = parse_options::everything();
  load(minute, "v{n=\"a10\"} 1 1");
  load(minute, "v{n=\"a9\"} 3 3");
  load(minute, "v{n=\"b\"} 2 2");
  EXPECT_EQ(at("sort(v)", 0), "v{n=\"a10\"} 1; v{n=\"b\"} 2; v{n=\"a9\"} 3");
  EXPECT_EQ(at("sort_by_label(v, \"n\")", 0), "v{n=\"a9\"} 3; v{n=\"a10\"} 1; v{n=\"b\"} 2");
  EXPECT_EQ(at("sort_by_label_desc(v, \"n\")", 0), "v{n=\"b\"} 2; v{n=\"a10\"} 1; v{n=\"a9\"} 3");
  const auto r = range("sort(v)", 0, minute, minute);
  EXPECT_EQ(r->warnings,
            std::vector<std::string>{"PromQL warning: sort is ineffective for range queries since "
                                     "results are always ordered by labels (1:1)"});
}

TEST_F(Names, DatesFollowTheCalendar) {
  // 2016-02-29 23:59:59 and the second after.
  EXPECT_EQ(at("day_of_month(vector(1456790399))", 0), "{} 29");
  EXPECT_EQ(at("day_of_year(vector(1456790400))", 0), "{} 61");
  EXPECT_EQ(at("days_in_month(vector(1456790399))", 0), "{} 29");
  EXPECT_EQ(at("day_of_week(vector(1456790399))", 0), "{} 1");
  EXPECT_EQ(at("year(vector(-1))", 0), "{} 1969");
  EXPECT_EQ(at("hour(vector(-1)) + minute(vector(-1)) / 100", 0), "{} 23.59");
  EXPECT_EQ(at("days_in_month(vector(-2203977600))", 0), "{} 28") << "1900 was no leap year";
  // Go's calendar wraps around for what is no time at all.
  EXPECT_EQ(at("day_of_year(vector(Inf)) + minute(vector(NaN)) / 100", 0), "{} 339.3");
}

}  // namespace
}  // namespace troupe::query
