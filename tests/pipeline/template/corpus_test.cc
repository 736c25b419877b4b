// Runs testdata/templates.txt: what each template gives is pinned to what promtool 3.5 prints.
#include "pipeline/template/template.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace troupe::templates {
namespace {

struct corpus_case {
  std::string name, text, expected;
};

std::vector<corpus_case> read_corpus() {
  std::ifstream in(TROUPE_SOURCE_DIR "/tests/pipeline/template/testdata/templates.txt");
  const std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  constexpr std::string_view head = "=== ", middle = "\n---\n";
  std::vector<corpus_case> out;
  for (size_t at = all.find(head); at != std::string::npos;) {
    const auto next = all.find(std::string(head), at + head.size());
    const auto block =
        all.substr(at + head.size(), next == std::string::npos ? next : next - at - head.size());
    const auto line = block.find('\n');
    const auto parts = block.find(middle);
    corpus_case c{block.substr(0, line), block.substr(line + 1, parts - line - 1),
                  block.substr(parts + middle.size())};
    c.expected.pop_back();
    out.push_back(std::move(c));
    at = next;
  }
  return out;
}

sample float_sample(std::vector<std::pair<std::string, std::string>> pairs, double v) {
  return {labels::from(std::move(pairs)), value::of(v)};
}

std::vector<sample> up() {
  const auto one = [](const char* instance, const char* zone, double v) {
    return float_sample({{"__name__", "up"}, {"instance", instance}, {"zone", zone}}, v);
  };
  return {one("a:1", "3", 1), one("c:1", "2", 0.5), one("b:1", "1", 0)};
}

// The same series as promtool_test.py loads.
result<std::vector<sample>> answer(std::string_view promql, timestamp_ms) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  if (promql == "sort_desc(up)")
    return up();
  if (promql == "up{instance='a:1'}")
    return std::vector<sample>{up()[0]};
  if (promql == "one")
    return std::vector<sample>{float_sample({{"__name__", "one"}}, 1)};
  if (promql == "not_a_number")
    return std::vector<sample>{float_sample({{"__name__", "not_a_number"}}, normal_nan())};
  if (promql == "special")
    return std::vector<sample>{float_sample({{"kind", "a"}}, inf),
                               float_sample({{"kind", "b"}}, -inf),
                               float_sample({{"kind", "c"}}, normal_nan())};
  if (promql == "strval")
    return std::vector<sample>{float_sample({{"__value__", "s"}}, 1)};
  if (promql == "hist") {
    auto h = std::make_shared<histogram>();
    h->schema = 0;
    h->is_float = true;
    h->sum = 3;
    h->count = 4;
    h->positive_spans = {{0, 3}};
    h->positive_buckets = {1, 2, 1};
    return std::vector<sample>{{labels(), value(value::storage(histogram_ptr(h)))}};
  }
  if (promql == "up{")
    return {errc::invalid_argument, "1:4: parse error: unexpected end of input inside braces"};
  return std::vector<sample>();
}

std::string expansion_of(const corpus_case& c) {
  alert_data data;
  data.labels =
      labels::from({{"__name__", "m"}, {"instance", "web-1.example.com:9100"}, {"job", "node"}});
  data.external_labels = labels::from({{"env", "prod"}, {"region", "eu"}});
  data.external_url = "http://prom.example.com/base";
  data.number = value::of(1234.5678);
  environment env;
  env.query = answer;
  env.now = 60'000;
  env.external_url = data.external_url;
  env.path_prefix = "/base";
  const auto parsed = alert_template::parse("A", c.text);
  if (!parsed.ok())
    return std::string(parsed.error().message());
  auto out = parsed->expand_or_explain(data, env);
  constexpr std::string_view prefix =
      "<error expanding template: error executing template __alert_A: ";
  if (c.name.starts_with("error: ") && out.starts_with(prefix))
    return out.substr(prefix.size(), out.size() - prefix.size() - 1);
  return out;
}

TEST(TemplateCorpus, GivesThePinnedTexts) {
  const auto corpus = read_corpus();
  EXPECT_GE(corpus.size(), 150u);
  for (const auto& c : corpus)
    EXPECT_EQ(expansion_of(c), c.expected) << c.name << ": " << c.text;
}

}  // namespace
}  // namespace troupe::templates
