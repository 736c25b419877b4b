#include "pipeline/ruletest/test_input.h"

#include "storage/base/duration.h"

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::rules {
namespace {

constexpr std::string_view blanks = " \t\r";

// The lines of a load command. What follows an empty line or a comment is no part of it, as in
// promtool.
std::string load_script(const config::rule_test& test) {
  std::string text;
  for (const auto& s : test.input)
    text += s.series + " " + s.values + "\n";
  std::string out = "load " + format_duration(test.interval_ms) + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos || line[first] == '#')
      break;
    out.append("  ").append(line.substr(first)).append("\n");
  }
  return out;
}

}  // namespace

result<test_input> test_input::parse(const config::rule_test& test, timestamp_ms start) {
  TROUPE_ASSIGN(query::script parsed, query::parse_script("input_series", load_script(test)));
  test_input out;
  for (auto& command : parsed.commands)
    if (auto* load = std::get_if<query::load_command>(&command.what)) {
      for (auto* list : {&load->series, &load->histogram_series})
        out.series_.insert(out.series_.end(), std::make_move_iterator(list->begin()),
                           std::make_move_iterator(list->end()));
      break;
    }
  std::vector<labels> names;
  for (auto& s : out.series_) {
    names.push_back(s.series.packed());
    for (auto& sample : s.samples)
      sample.ts += start;
  }
  out.given_.resize(out.series_.size(), 0);
  out.table_ = make_series_table("", std::move(names));
  return out;
}

batch_ptr test_input::until(timestamp_ms ts) {
  auto out = std::make_shared<write_batch>();
  out->table = table_;
  for (uint32_t i = 0; i < series_.size(); ++i) {
    const auto& samples = series_[i].samples;
    for (auto& next = given_[i]; next < samples.size() && samples[next].ts <= ts; ++next) {
      const auto& s = samples[next];
      if (s.histogram)
        out->histograms.push_back({s.ts, s.start_ts, s.histogram, i});
      else
        out->floats.push_back({s.ts, s.value, i});
    }
  }
  if (out->sample_count() == 0)
    return nullptr;
  return out;
}

}  // namespace troupe::rules
