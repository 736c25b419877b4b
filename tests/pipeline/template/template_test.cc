// Names, newer functions, the environment and the limits of templates; texts are in corpus_test.cc.
#include "pipeline/template/template.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::templates {
namespace {

result<std::string> expand(std::string text, const environment& env = {}, const value& data = {}) {
  const auto t = text_template::parse("test", std::move(text));
  if (!t.ok())
    return t.error();
  return t->expand(data, env);
}

std::string expanded(std::string text, const environment& env = {}) {
  const auto out = expand(std::move(text), env);
  return std::string(out.ok() ? std::string_view(*out) : out.error().message());
}

TEST(TextTemplate, KnowsItsEnvironment) {
  environment env;
  env.now = 1'700'000'000'500;
  env.external_url = "http://example.com/base";
  env.path_prefix = "/base";
  EXPECT_EQ(expanded("{{ externalURL }} {{ pathPrefix }}", env), "http://example.com/base /base");
  EXPECT_EQ(expanded("{{ now | toTime }}", env), "2023-11-14 22:13:20.5 +0000 UTC");
  EXPECT_EQ(expanded("{{ now }}", env), "1.7000000005e+09");
}

TEST(TextTemplate, HasTheFunctionsOfNewerVersions) {
  EXPECT_EQ(expanded("{{ urlQueryEscape \"a b&c\" }}"), "a+b%26c");
  EXPECT_EQ(expanded("{{ toDuration 5400.5 }} {{ toDuration -0.0015 }} {{ toDuration 0 }}"),
            "1h30m0.5s -1.5ms 0s");
  EXPECT_EQ(
      expanded("{{ toDuration 1e-6 }} {{ toDuration 5e-9 }} {{ printf \"%8s|\" (toDuration 1) }}"),
      "1µs 5ns       1s|");
  EXPECT_EQ(
      expanded("{{ toDuration 1e300 }}"),
      "template: test:1:3: executing \"test\" at <toDuration 1e300>: error calling toDuration: "
      "1e+300 cannot be represented as a nanoseconds duration since it overflows int64");
}

TEST(TextTemplate, AsksForQueriesAtItsInstant) {
  environment env;
  env.now = 42'000;
  std::string asked;
  timestamp_ms at = 0;
  env.query = [&](std::string_view promql, timestamp_ms t) -> result<std::vector<sample>> {
    asked = promql;
    at = t;
    return std::vector<sample>{{labels::from({{"a", "b"}}), value::of(3.0)}};
  };
  EXPECT_EQ(expanded("{{ range query \"sum(x)\" }}{{ .Labels.a }}{{ .Value }}{{ end }}", env),
            "b3");
  EXPECT_EQ(asked, "sum(x)");
  EXPECT_EQ(at, 42'000);
  EXPECT_EQ(
      expanded("{{ query \"x\" }}"),
      "template: test:1:3: executing \"test\" at <query \"x\">: error calling query: no query "
      "can be answered here");
}

TEST(TextTemplate, ListsShowWhatTheirPointersPointTo) {
  environment env;
  env.query = [](std::string_view, timestamp_ms) -> result<std::vector<sample>> {
    return std::vector<sample>{{labels::from({{"a", "b"}}), value::of(3.0)},
                               {labels(), value::of(4.0)}};
  };
  EXPECT_EQ(expanded("{{ query \"x\" }}", env), "[&{map[a:b] 3} &{map[] 4}]");
}

TEST(AlertTemplate, PlainTextIsNotParsed) {
  const auto t = alert_template::parse("A", "no }} actions");
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(*t->expand({}, {}), "no }} actions");
}

TEST(AlertTemplate, MessagesNameTheAlert) {
  const auto bad = alert_template::parse("Disk full", "{{ nope }}");
  EXPECT_EQ(bad.error().message(), "template: __alert_Disk full:1: function \"nope\" not defined");
  const auto t = alert_template::parse("Disk full", "{{ len 1 }}");
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(
      t->expand({}, {}).error().message(),
      "error executing template __alert_Disk full: template: __alert_Disk full:1:115: executing "
      "\"__alert_Disk full\" at <len 1>: error calling len: len of type int");
  EXPECT_TRUE(
      t->expand_or_explain({}, {}).starts_with("<error expanding template: error executing"));
}

class TemplateLimits : public ::testing::Test {
 protected:
  void refuses(std::string text, std::string_view why) {
    const auto out = expand(std::move(text), env_);
    ASSERT_FALSE(out.ok());
    EXPECT_EQ(out.code(), errc::resource_exhausted);
    EXPECT_NE(out.error().message().find(why), std::string_view::npos) << out.error().message();
  }
  environment env_;
};

TEST_F(TemplateLimits, Output) {
  env_.limits.output_bytes = 1000;
  EXPECT_TRUE(expand("{{ printf \"%1000d\" 1 }}", env_).ok());
  refuses("{{ printf \"%1000d\" 1 }}x", "output is longer than 1000 bytes");
  refuses("{{ range 9999 }}abc{{ end }}", "output is longer than 1000 bytes");
}

TEST_F(TemplateLimits, WorkOfFunctions) {
  refuses("{{ $x := \"abc\" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}", "work on more than");
  refuses("{{ range 1000 }}{{ $x := printf \"%999999d%999999d\" 1 2 }}{{ end }}",
          "work on more than");
  refuses("{{ $x := printf \"%99999d\" 1 }}{{ $y := reReplaceAll \" \" $x $x }}", "is longer than");
  refuses("{{ $x := args 1 }}{{ range 99 }}{{ $x = args $x $x }}{{ end }}{{ $x }}",
          "output is longer than");
  refuses("{{ $x := args }}{{ range 200 }}{{ $x = args $x }}{{ end }}",
          "maps inside of each other");
}

TEST_F(TemplateLimits, Steps) {
  refuses("{{ range 1000000000 }}{{ end }}", "takes more than 1000000 steps");
  refuses("{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}", "steps");
}

TEST_F(TemplateLimits, Depth) {
  refuses("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}",
          "exceeded maximum template depth (1000)");
  std::string deep;
  for (int i = 0; i < 200; ++i)
    deep += "{{ if true }}";
  refuses(deep, "max expression depth exceeded");
  refuses("{{ " + std::string(10'000, '('), "max expression depth exceeded");
  std::string chain = "{{ if false }}";
  for (int i = 0; i < 5'000; ++i)
    chain += "{{ else if false }}";
  refuses(chain + "{{ end }}", "max expression depth exceeded");
}

TEST_F(TemplateLimits, Length) {
  refuses(std::string((1 << 20) + 1, 'x') + "{{ 1 }}", "template is longer than 1048576 bytes");
}

}  // namespace
}  // namespace troupe::templates
