// Requests as Prometheus translates them: testdata/*.txt is what its own prometheusremotewrite
// (version 3.16) makes of testdata/*.json, by the settings of the first line.
#include "config/telemetry_config.h"
#include "pipeline/otlp/translator.h"
#include "query/parser/number_text.h"
#include "storage/base/quote.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace troupe::otlp {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);)
    out.push_back(part);
  return out;
}

settings settings_from(const std::string& words) {
  config::otlp_config c;
  bool utf8 = false, bare = false, delta = false;
  for (const auto& word : split(words, ' ')) {
    const auto equals = std::min(word.find('='), word.size());
    const auto key = word.substr(0, equals);
    const auto names = split(word.substr(std::min(equals + 1, word.size())), ',');
    utf8 = utf8 || key == "utf8";
    bare = bare || key == "bare";
    delta = delta || key == "delta";
    if (key == "promote")
      c.promote_resource_attributes = names;
    if (key == "ignore")
      c.ignore_resource_attributes = names;
    c.promote_all_resource_attributes |= key == "all";
    c.keep_identifying_resource_attributes |= key == "identifying";
    c.convert_histograms_to_nhcb |= key == "nhcb";
    c.promote_scope_metadata |= key == "scope";
    if (key == "clean")
      c.label_name_underscore_sanitization = c.label_name_preserve_multiple_underscores = false;
  }
  c.translation_strategy = utf8   ? (bare ? "NoTranslation" : "NoUTF8EscapingWithSuffixes")
                           : bare ? "UnderscoreEscapingWithoutSuffixes"
                                  : "UnderscoreEscapingWithSuffixes";
  auto s = settings_of(c);
  s.accept_delta = delta;
  return s;
}

std::string text_of(const labels& ls) {
  std::string out;
  for (const auto& l : ls)
    out += troupe::quoted(l.name) + "=" + troupe::quoted(l.value) + ",";
  return "{" + out + "}";
}

/// " index:count" of the buckets that are not empty, by index or against it.
std::string buckets_of(const std::vector<histogram_span>& spans, const std::vector<double>& counts,
                       bool backwards) {
  std::vector<std::string> out;
  int64_t index = 0;
  size_t at = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index)
      if (const double n = counts.at(at++); n != 0)
        out.push_back(fmt::format(" {}:{}", index, query::fixed(n)));
  }
  if (backwards)
    std::reverse(out.begin(), out.end());
  return fmt::format("{}", fmt::join(out, ""));
}

std::string text_of(const histogram_entry& e, const std::string& series) {
  const histogram& h = *e.value;
  if (h.is_stale())
    return fmt::format("h {} stale @{}", series, e.ts);
  std::string buckets = buckets_of(h.negative_spans, h.negative_buckets, true);
  if (h.zero_count != 0)
    buckets += " 0:" + query::fixed(h.zero_count);
  buckets += buckets_of(h.positive_spans, h.positive_buckets, false);
  std::string bounds;
  for (const double b : h.custom_bounds)
    bounds += " " + query::fixed(b);
  return fmt::format("h {} schema {} count {} sum {} zero {}/{}{} |{} @{} from {}", series,
                     h.schema, query::fixed(h.count), query::fixed(h.sum),
                     query::fixed(h.zero_count), query::fixed(h.zero_threshold), buckets, bounds,
                     e.ts, e.start_ts);
}

std::set<std::string> lines_of(const write_batch& b) {
  std::set<std::string> out;
  const auto series = [&](uint32_t i) { return text_of(b.table->series.at(i)); };
  auto start = b.starts.begin();
  for (size_t i = 0; i < b.floats.size(); ++i) {
    const auto& f = b.floats[i];
    const bool starts = start != b.starts.end() && start->index == i;
    out.insert(fmt::format("f {} {} @{} from {}", series(f.series),
                           is_stale(f.value) ? "stale" : query::fixed(f.value), f.ts,
                           starts ? start->start_ts : 0));
    start += starts;
  }
  for (const auto& h : b.histograms)
    out.insert(text_of(h, series(h.series)));
  for (const auto& e : b.exemplars)
    out.insert(fmt::format("e {} {} {} @{}", series(e.series), text_of(e.value.lset),
                           query::fixed(e.value.value), e.value.ts));
  for (const auto& m : b.metadata)
    out.insert(fmt::format("m {} {} {} {}", troupe::quoted(m.family), to_string(m.value.type),
                           troupe::quoted(m.value.unit), troupe::quoted(m.value.help)));
  return out;
}

TEST(otlp_golden, as_prometheus_translates) {
  const fs::path folder = fs::path(TROUPE_SOURCE_DIR) / "tests/pipeline/otlp/testdata";
  size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json")
      continue;
    auto path = entry.path();
    const std::string request = text_of(path);
    auto expected = split(text_of(path.replace_extension(".txt")), '\n');
    ASSERT_FALSE(expected.empty()) << path;
    const auto rules = settings_from(expected.front());
    expected.erase(expected.begin());
    manual_clock clk;
    remote::series_cache known({}, clk);
    const auto got = decode_json(request, rules, known);
    ASSERT_TRUE(got.ok()) << got.error().message();
    std::set<std::string> lines;
    for (const auto& b : got->batches)
      lines.merge(lines_of(*b));
    EXPECT_THAT(std::vector<std::string>(lines.begin(), lines.end()),
                ::testing::ElementsAreArray(expected))
        << path;
    ++cases;
  }
  EXPECT_GE(cases, 6u);
}

}  // namespace
}  // namespace troupe::otlp
