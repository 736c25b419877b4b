#include "query/promqltest/script.h"

#include "query/engine/histogram_math.h"
#include "query/parser/lexer.h"
#include "query/parser/number_text.h"
#include "query/promqltest/histogram_notation.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace troupe::query {
namespace {

std::string_view trim(std::string_view s) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = s.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return s.substr(first, s.find_last_not_of(blanks) - first + 1);
}

// Trimmed lines; comments are empty lines.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const auto n = text.find('\n');
    auto line = trim(text.substr(0, n));
    if (line.starts_with("#"))
      line = {};
    lines.push_back(line);
    if (n == std::string_view::npos)
      return lines;
    text.remove_prefix(n + 1);
  }
}

std::string_view take_word(std::string_view& rest) {
  rest = trim(rest);
  const auto n = std::min(rest.find_first_of(" \t"), rest.size());
  const auto word = rest.substr(0, n);
  rest = trim(rest.substr(n));
  return word;
}

bool take_literal(std::string_view& rest, std::string_view word) {
  auto after = rest;
  if (take_word(after) != word)
    return false;
  rest = after;
  return true;
}

status invalid(std::string message) {
  return {errc::invalid_argument, std::move(message)};
}

// Classic histograms of a load command, by the labels of the histogram and time.
class classic_collector {
 public:
  /// Takes the series if it is a part of a classic histogram.
  void add(const labels& series, const std::vector<loaded_sample>& samples) {
    const auto name = series.metric_name();
    if (name.ends_with("_bucket")) {
      const auto bound = parse_number(series.get("le"));
      if (bound.ok() && !std::isnan(*bound))
        each(series, 7, samples,
             [&](classic_histogram& h, double count) { h.buckets.emplace_back(*bound, count); });
    } else if (name.ends_with("_count")) {
      each(series, 6, samples, [](classic_histogram& h, double count) {
        h.has_count = true;
        h.count = count;
      });
    } else if (name.ends_with("_sum")) {
      each(series, 4, samples, [](classic_histogram& h, double sum) { h.sum = sum; });
    }
  }

  status build(std::vector<loaded_series>& out) const {
    for (const auto& [series, moments] : found_) {
      loaded_series made{series, {}};
      for (const auto& [ts, classic] : moments) {
        TROUPE_ASSIGN(auto h, with_custom_buckets(classic));
        made.samples.push_back({ts, 0, std::make_shared<const histogram>(std::move(h))});
      }
      out.push_back(std::move(made));
    }
    return {};
  }

 private:
  template <class F>
  void each(const labels& series, size_t suffix, const std::vector<loaded_sample>& samples, F f) {
    labels_builder b(series);
    const auto name = series.metric_name();
    b.set(metric_name_label, name.substr(0, name.size() - suffix));
    b.del("le");
    auto& moments = found_[b.build()];
    for (const auto& s : samples)
      if (!s.histogram)
        f(moments[s.ts], s.value);
  }

  std::map<labels, std::map<timestamp_ms, classic_histogram>> found_;
};

// Gives each histogram the hint it has when it comes back from a Prometheus storage: a gauge stays
// one, what continues the series is not_reset, everything else, a detected reset included, is
// unknown.
void assign_reset_hints(std::vector<loaded_sample>& samples) {
  histogram_ptr before;  // as written
  for (auto& s : samples) {
    if (s.histogram && s.histogram->hint != counter_reset_hint::gauge) {
      auto h = std::make_shared<histogram>(*s.histogram);
      const bool continues = before && before->hint != counter_reset_hint::gauge &&
                             h->hint != counter_reset_hint::reset && !detect_reset(*h, *before);
      h->hint = continues ? counter_reset_hint::not_reset : counter_reset_hint::unknown;
      before = std::exchange(s.histogram, std::move(h));
    } else {
      before = s.histogram;
    }
  }
}

class script_parser {
 public:
  script_parser(std::string name, std::string_view text) : lines_(lines_of(text)) {
    script_.name = std::move(name);
  }

  result<script> run() {
    for (at_ = 0; at_ < lines_.size(); ++at_) {
      if (lines_[at_].empty())
        continue;
      const auto line = static_cast<uint32_t>(at_ + 1);
      auto rest = lines_[at_];
      const auto word = take_word(rest);
      status s;
      script_command command{line, clear_command{}};
      if (word.starts_with("load"))
        s = load(word, rest, command.what.emplace<load_command>());
      else if (word.starts_with("eval"))
        s = eval(word, rest, command.what.emplace<eval_command>());
      else if (word != "clear")
        s = invalid("invalid command " + quoted(lines_[at_]));
      if (!s.ok())
        return s.with_context(script_.name + ":" + std::to_string(at_ + 1));
      script_.commands.push_back(std::move(command));
    }
    return std::move(script_);
  }

 private:
  // The next line of the current block; an empty line ends it.
  bool next_line(std::string_view& line) {
    if (at_ + 1 >= lines_.size() || lines_[at_ + 1].empty())
      return false;
    line = lines_[++at_];
    return true;
  }

  status load(std::string_view word, std::string_view rest, load_command& out) {
    const bool with_nhcb = word == "load_with_nhcb";
    if (word != "load" && !with_nhcb)
      return invalid("invalid load command. (load[_with_nhcb] <step:duration>)");
    TROUPE_ASSIGN(const int64_t step, parse_duration(rest));
    std::map<labels, std::vector<loaded_sample>> series;
    std::vector<std::optional<int64_t>> default_starts;
    std::optional<start_notation> starts;
    std::string_view line;
    while (next_line(line)) {
      if (is_start_line(line)) {
        TROUPE_ASSIGN(auto parsed, parse_start_line(line));
        if (starts)
          return invalid("@st line has no following sample line");
        if (parsed.series.empty())
          default_starts = std::move(parsed.offsets);
        else
          starts = std::move(parsed);
        continue;
      }
      TROUPE_ASSIGN(auto parsed, parse_series_line(line));
      if (starts && !(starts->series == parsed.series))
        return invalid("@st metric does not match the following sample line metric");
      if (starts && starts->offsets.size() != parsed.values.size())
        return invalid("@st line has " + std::to_string(starts->offsets.size()) +
                       " values but sample line has " + std::to_string(parsed.values.size()));
      series[parsed.series] =
          samples(parsed.values, starts ? starts->offsets : default_starts, step);
      starts.reset();
    }
    if (starts)
      return invalid("@st line has no following sample line");
    classic_collector classic;
    for (auto& [name, points] : series) {
      if (with_nhcb)
        classic.add(name, points);
      const bool native =
          std::ranges::any_of(points, [](const auto& s) { return s.histogram != nullptr; });
      (native ? out.histogram_series : out.series).push_back({name, std::move(points)});
    }
    TROUPE_TRY(classic.build(out.histogram_series));
    for (auto& s : out.histogram_series)
      assign_reset_hints(s.samples);
    return {};
  }

  static std::vector<loaded_sample> samples(const std::vector<series_value>& values,
                                            const std::vector<std::optional<int64_t>>& starts,
                                            int64_t step) {
    std::vector<loaded_sample> out;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].gap)
        continue;
      const auto ts = static_cast<timestamp_ms>(i) * step;
      loaded_sample sample{ts, values[i].value, values[i].histogram};
      if (!starts.empty() && starts[i % starts.size()])
        sample.start_ts = ts + *starts[i % starts.size()];
      out.push_back(std::move(sample));
    }
    return out;
  }

  status eval(std::string_view word, std::string_view rest, eval_command& out) {
    if (word == "eval_fail")
      out.fail = true;
    else if (word == "eval_ordered")
      out.ordered = true;
    else if (word == "eval_warn")
      out.warn.emplace_back();
    else if (word == "eval_info")
      out.info.emplace_back();
    else if (word != "eval")
      return invalid("invalid evaluation command " + quoted(word));
    if (take_literal(rest, "instant")) {
      if (take_literal(rest, "at")) {
        TROUPE_ASSIGN(out.at, parse_duration(take_word(rest)));
      }
      out.start = out.at;
    } else if (take_literal(rest, "range")) {
      out.is_range = true;
      TROUPE_TRY(bounds(rest, out));
    } else {
      return invalid("invalid evaluation command: \"instant\" or \"range\" expected");
    }
    if (rest.empty())
      return invalid("the expression is missing");
    out.expr = rest;
    std::string_view line;
    while (!out.scalar && next_line(line))
      TROUPE_TRY(expectation(line, out));
    return {};
  }

  // `from A to B step C`
  static status bounds(std::string_view& rest, eval_command& out) {
    if (!take_literal(rest, "from"))
      return invalid("\"from\" expected");
    TROUPE_ASSIGN(out.start, parse_duration(take_word(rest)));
    if (!take_literal(rest, "to"))
      return invalid("\"to\" expected");
    TROUPE_ASSIGN(out.end, parse_duration(take_word(rest)));
    if (!take_literal(rest, "step"))
      return invalid("\"step\" expected");
    TROUPE_ASSIGN(out.step_ms, parse_duration(take_word(rest)));
    if (out.end < out.start)
      return invalid("end timestamp is before start timestamp");
    return {};
  }

  status expectation(std::string_view line, eval_command& out) {
    auto rest = line;
    const auto word = take_word(rest);
    if (out.fail && word == "expected_fail_message") {
      out.fail_match.text = std::string(rest);
      return {};
    }
    if (out.fail && word == "expected_fail_regexp")
      return pattern(rest, out.fail_match);
    if (word == "expect")
      return expect_line(rest, out);
    if (const auto number = parse_number(line); number.ok()) {
      out.scalar = *number;
      return {};
    }
    TROUPE_ASSIGN(auto parsed, parse_series_line(line));
    if (!out.is_range && !out.range_vector && parsed.values.size() > 1)
      return invalid("several values for an instant query; see \"expect range vector\"");
    const auto known = std::ranges::find(out.series, parsed.series, &expected_series::series);
    if (known != out.series.end())
      return invalid("the series " + parsed.series.to_string() + " is expected twice");
    out.series.push_back({parsed.series, std::move(parsed.values)});
    return {};
  }

  static status expect_line(std::string_view rest, eval_command& out) {
    const auto what = take_word(rest);
    if (what == "range" && take_literal(rest, "vector")) {
      out.range_vector = true;
      TROUPE_TRY(bounds(rest, out));
      out.at = out.end;
      return {};
    }
    if (what == "string") {
      std::string text;
      if (!unquote(rest, text))
        return invalid(
            "expected string literal not valid - check that the string is correctly quoted");
      out.text = std::move(text);
      return {};
    }
    message_match match;
    if (rest.starts_with("msg:"))
      match.text = std::string(trim(rest.substr(4)));
    else if (rest.starts_with("regex:"))
      TROUPE_TRY(pattern(trim(rest.substr(6)), match));
    else if (!rest.empty())
      return invalid("invalid expect statement " + quoted(rest));
    if (what == "fail") {
      if (std::exchange(out.fail, true))
        return invalid("invalid expect lines, multiple expect fail lines are not allowed");
      out.fail_match = std::move(match);
    } else if (what == "warn") {
      out.warn.push_back(std::move(match));
    } else if (what == "info") {
      out.info.push_back(std::move(match));
    } else if (what == "no_warn") {
      out.no_warn = true;
    } else if (what == "no_info") {
      out.no_info = true;
    } else if (what == "ordered") {
      out.ordered = true;
    } else {
      return invalid("invalid expected error/annotation type " + quoted(what));
    }
    if ((out.no_warn && !out.warn.empty()) || (out.no_info && !out.info.empty()))
      return invalid("invalid expect lines, something is both expected and excluded");
    return {};
  }

  static status pattern(std::string_view text, message_match& out) {
    out.text = std::string(text);
    TROUPE_ASSIGN(out.pattern, regex::compile(".*(?:" + *out.text + ").*"));
    return {};
  }

  std::vector<std::string_view> lines_;
  size_t at_ = 0;
  script script_;
};

}  // namespace

bool eval_command::expects_histograms() const {
  return std::ranges::any_of(series, [](const auto& s) {
    return std::ranges::any_of(s.values, [](const auto& v) { return v.histogram != nullptr; });
  });
}

bool message_match::matches(std::string_view message) const {
  if (pattern)
    return pattern->matches(message);
  return !text || *text == message;
}

std::string message_match::describe() const {
  if (!text)
    return "anything";
  return (pattern ? "pattern " : "message ") + quoted(*text);
}

result<script> parse_script(std::string name, std::string_view text) {
  return script_parser(std::move(name), text).run();
}

}  // namespace troupe::query
