// What is refused and how it is said: the texts are Prometheus'.
#include "tests/query/engine/engine_fixture.h"

namespace troupe::query {
namespace {

class Errors : public engine_fixture {
 protected:
  void SetUp() override {
    load(minute, "dup{label=\"alpha\"} 1 1");
    load(minute, "dup{label=\"beta\"} 2 2");
    load(minute, "one 3 3");
    load(minute, "left{a=\"x\", b=\"1\"} 1 1");
    load(minute, "left{a=\"x\", b=\"2\"} 2 2");
    load(minute, "right{a=\"x\", c=\"1\"} 3 3");
    load(minute, "other{label=\"alpha\"} 1 1");
    load(minute, "up 1 1");
  }
};

struct failure {
  const char* expression;
  const char* message;
};

class ErrorTexts : public Errors, public ::testing::WithParamInterface<failure> {};

TEST_P(ErrorTexts, Instant) {
  options.parse = parse_options::everything();
  EXPECT_EQ(at(GetParam().expression, minute), std::string("error: ") + GetParam().message);
  const auto r = instant(GetParam().expression, minute);
  EXPECT_EQ(classify(r.error()), query_error::execution);
}

TEST_P(ErrorTexts, Range) {
  options.parse = parse_options::everything();
  EXPECT_EQ(over(GetParam().expression, 0, minute, minute),
            std::string("error: ") + GetParam().message);
}

constexpr char same_labelset[] = "vector cannot contain metrics with the same labelset";
constexpr char many_to_many[] =
    "found duplicate series for the match group {} on the right hand-side of the operation: "
    "[{__name__=\"dup\", label=\"alpha\"}, {__name__=\"dup\", label=\"beta\"}];many-to-many "
    "matching not allowed: matching labels must be unique on one side";

INSTANTIATE_TEST_SUITE_P(
    All, ErrorTexts,
    ::testing::Values(
        failure{"one * on() dup", many_to_many},
        failure{"dup * on() one",
                "multiple matches for labels: many-to-one matching must be explicit "
                "(group_left/group_right)"},
        // Also where the comparison drops all or all but one of them.
        failure{"dup > on() one",
                "multiple matches for labels: many-to-one matching must be explicit "
                "(group_left/group_right)"},
        failure{"dup * on() group_right one",
                "found duplicate series for the match group {} on the left hand-side of the "
                "operation: [{__name__=\"dup\", label=\"alpha\"}, {__name__=\"dup\", "
                "label=\"beta\"}];many-to-many matching not allowed: matching labels must be "
                "unique on one side"},
        failure{"left * on(a) group_left(b) right",
                "multiple matches for labels: grouping labels must ensure unique matches"},
        failure{"rate({__name__=~\"dup|other\"}[2m])", same_labelset},
        failure{"-{__name__=~\"dup|other\"}", same_labelset},
        failure{"abs({__name__=~\"dup|other\"})", same_labelset},
        failure{"{__name__=~\"dup|other\"} * 2", same_labelset},
        failure{"label_replace(dup, \"label\", \"x\", \"label\", \".*\")", same_labelset},
        failure{"label_join(dup, \"label\", \"\", \"none\")", same_labelset},
        failure{"label_replace(one, \"a\", \"b\", \"c\", \"(\")",
                "invalid regular expression in label_replace(): ("},
        failure{"label_replace(one, \"\\xff\", \"b\", \"c\", \"\")",
                "invalid destination label name in label_replace(): \xff"},
        failure{"label_join(one, \"\", \"-\", \"a\")",
                "invalid destination label name in label_join(): "},
        failure{"label_join(one, \"a\", \"-\", \"\")",
                "invalid source label name in label_join(): "},
        failure{"count_values(\"a\\xc5z\", one)", "invalid label name \"a\\xc5z\""},
        failure{"topk(NaN, one)", "Parameter value is NaN"},
        failure{"topk(1e300, one)", "Scalar value 1e+300 overflows int64"},
        failure{"limit_ratio(NaN, one)", "Ratio value is NaN"},
        failure{"double_exponential_smoothing(one[2m], 2, 0.5)",
                "invalid smoothing factor. Expected: 0 < sf < 1, got: 2.000000"},
        failure{"double_exponential_smoothing(one[2m], 0.5, 0)",
                "invalid trend factor. Expected: 0 < tf < 1, got: 0.000000"},
        failure{"deriv(one[2m] anchored)",
                "anchored modifier can only be used with: changes, delta, increase, rate, resets - "
                "not with deriv"},
        failure{"resets(one[2m] smoothed)",
                "smoothed modifier can only be used with: delta, increase, rate - not with "
                "resets"}));

TEST_F(Errors, AVectorThatIsEmptyAtAStepMatchesNothing) {
  EXPECT_EQ(at("nothing * on() dup", minute), "");
  EXPECT_EQ(at("dup * on() nothing", minute), "");
}

TEST_F(Errors, SeriesThatTakeTurnsAreNoDuplicates) {
  load(10 * minute, "turn{a=\"1\"} 1 _");
  load(10 * minute, "turn{a=\"2\"} _ 5");
  load(10 * minute, "fixed 10 10");
  EXPECT_EQ(over("fixed + on() turn", 0, 10 * minute, 10 * minute), "{} 11@0 15@600");
  EXPECT_EQ(over("label_replace(turn, \"a\", \"\", \"\", \"\")", 0, 10 * minute, 10 * minute),
            "turn 1@0 5@600");
}

TEST_F(Errors, BadDataIsTheCallersFault) {
  const auto syntax = instant("sum(", 0);
  EXPECT_EQ(classify(syntax.error()), query_error::bad_data);
  const auto type = range("up[5m]", 0, minute, minute);
  EXPECT_EQ(type.error().message(),
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector");
  EXPECT_EQ(classify(type.error()), query_error::bad_data);
  EXPECT_EQ(classify(range("\"text\"", 0, minute, minute).error()), query_error::bad_data);
  EXPECT_EQ(classify(range("up", 0, minute, 0).error()), query_error::bad_data);
  EXPECT_EQ(to_string(query_error::bad_data), "bad_data");
}

class Annotations : public Errors {
 protected:
  std::vector<std::string> warnings(std::string_view text) {
    const auto r = instant(text, minute);
    return r.ok() ? r->warnings : std::vector<std::string>{std::string(r.error().message())};
  }
  std::vector<std::string> infos(std::string_view text) {
    const auto r = instant(text, minute);
    return r.ok() ? r->infos : std::vector<std::string>{std::string(r.error().message())};
  }
  using texts = std::vector<std::string>;
};

TEST_F(Annotations, SayWhereInTheQuery) {
  EXPECT_EQ(infos("sum(\n  rate(one[5m])\n)"),
            texts{"PromQL info: metric might not be a counter, name does not end in "
                  "_total/_sum/_count/_bucket: \"one\" (2:8)"});
  EXPECT_EQ(warnings("quantile(1.5, one)"),
            texts{"PromQL warning: quantile value should be between 0 and 1, got 1.5 (1:10)"});
  EXPECT_EQ(warnings("limit_ratio(-1.5, one)").size(), 1U) << "experimental: a parse error";
}

TEST_F(Annotations, EachTextOnce) {
  load(minute, "two 1 2");
  EXPECT_EQ(infos("rate(one[5m]) + rate(two[5m]) + rate(one[3m])").size(), 2U);
}

TEST_F(Annotations, CountersAreKnownByNameOrType) {
  load(minute, "requests_total 1 2");
  load(minute, "typed{__type__=\"counter\"} 1 2");
  EXPECT_TRUE(infos("rate(requests_total[5m])").empty());
  options.enable_type_and_unit_labels = true;
  EXPECT_TRUE(infos("rate(typed[5m])").empty());
  EXPECT_EQ(infos("rate(requests_total[5m])"),
            texts{"PromQL info: metric might not be a counter, __type__ label is not set to "
                  "\"counter\" or \"histogram\", got \"\": \"requests_total\" (1:6)"});
}

TEST_F(Annotations, RepairedBucketsAreSummedUp) {
  for (const char* line : {"b{le=\"0.1\"} 20 20", "b{le=\"1\"} 10 10", "b{le=\"+Inf\"} 50 50"})
    load(minute, line);
  const auto r = range("histogram_quantile(0.5, b)", 0, minute, minute);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->infos,
            texts{"PromQL info: input to histogram_quantile needed to be fixed for monotonicity "
                  "(see https://prometheus.io/docs/prometheus/latest/querying/functions/"
                  "#histogram_quantile), from buckets 1 to 1, with a max diff of 10, over 2 "
                  "samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:25)"});
}

TEST_F(Annotations, BadBucketLabels) {
  load(minute, "b{le=\"x\"} 1 1");
  EXPECT_EQ(warnings("histogram_quantile(0.5, b)"),
            texts{"PromQL warning: bucket label \"le\" is missing or has a malformed value of "
                  "\"x\" (1:25)"});
}

}  // namespace
}  // namespace troupe::query
