#include "query/promqltest/series_notation.h"

#include "query/engine/histogram_math.h"
#include "query/parser/number_text.h"
#include "query/parser/parser.h"
#include "query/promqltest/histogram_notation.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"
#include "storage/model/sample.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace troupe::query {
namespace {

constexpr uint64_t max_values = 1'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_blank(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back()))
    s.remove_suffix(1);
  return s;
}

// One blank-separated item, read from the left.
class item_reader {
 public:
  explicit item_reader(std::string_view item) : item_(item), rest_(item) {}

  bool done() const { return rest_.empty(); }
  bool accept(char c) {
    if (rest_.empty() || rest_.front() != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }
  char next() const { return rest_.empty() ? '\0' : rest_.front(); }

  /// [+-]digits, floats and the words inf, nan, stale.
  result<double> number() {
    size_t n = next() == '+' || next() == '-' ? 1 : 0;
    if (n < rest_.size() && is_letter(rest_[n])) {
      while (n < rest_.size() && is_letter(rest_[n]) && rest_[n] != 'x')
        ++n;
      if (rest_.substr(0, n) == "stale") {
        rest_.remove_prefix(n);
        return stale_nan();
      }
    } else {
      for (; n < rest_.size(); ++n) {
        const char c = rest_[n];
        const bool sign_of_exponent =
            (c == '+' || c == '-') && n > 0 && (rest_[n - 1] | 0x20) == 'e';
        if (!is_digit(c) && c != '.' && c != '_' && (c | 0x20) != 'e' && !sign_of_exponent)
          break;
      }
    }
    const auto text = rest_.substr(0, n);
    rest_.remove_prefix(n);
    const auto value = parse_number(text);
    if (!value.ok())
      return bad("number or \"stale\" expected");
    return value;
  }

  /// A duration in milliseconds with an optional sign.
  result<int64_t> duration() {
    const bool negative = accept('-');
    if (!negative)
      accept('+');
    size_t n = 0;
    while (n < rest_.size() && is_digit(rest_[n]))
      ++n;
    while (n < rest_.size() && is_letter(rest_[n]) && rest_[n] != 'x')
      ++n;
    const auto ms = parse_duration(rest_.substr(0, n));
    if (!ms.ok())
      return bad(ms.error().message());
    rest_.remove_prefix(n);
    return negative ? -*ms : *ms;
  }

  /// The number behind `x`, to the end of the item.
  result<uint64_t> repetitions() {
    if (!accept('x'))
      return bad("\"x\" and a count expected");
    uint64_t n = 0;
    const auto* end = rest_.data() + rest_.size();
    const auto r = std::from_chars(rest_.data(), end, n);
    if (r.ec != std::errc() || r.ptr != end || n > max_values)
      return bad("invalid repetition");
    rest_ = {};
    return n;
  }

  status bad(std::string_view why) const {
    return {errc::invalid_argument, "bad series value " + quoted(item_) + ": " + std::string(why)};
  }

 private:
  std::string_view item_;
  std::string_view rest_;
};

status room_for(size_t have, uint64_t more) {
  if (have + more > max_values)
    return {errc::resource_exhausted, "too many values in one series"};
  return {};
}

// `_` or `_x3`, the underscore already taken: how many.
result<uint64_t> gap_length(item_reader& r) {
  if (r.done())
    return uint64_t{1};
  return r.repetitions();
}

status append_floats(std::vector<series_value>& out, std::string_view item) {
  item_reader r(item);
  if (r.accept('_')) {
    TROUPE_ASSIGN(const auto count, gap_length(r));
    TROUPE_TRY(room_for(out.size(), count));
    out.insert(out.end(), count, {.gap = true});
    return {};
  }
  TROUPE_ASSIGN(double value, r.number());
  double step = 0;
  uint64_t count = 0;
  if (!r.done()) {
    if (r.next() != 'x') {
      TROUPE_ASSIGN(step, r.number());
    }
    TROUPE_ASSIGN(count, r.repetitions());
  }
  TROUPE_TRY(room_for(out.size(), count + 1));
  for (uint64_t i = 0; i <= count; ++i) {
    out.push_back({.value = value});
    if (step != 0)  // adding 0 would lose the bits of a stale marker
      value += step;
  }
  return {};
}

result<histogram_notation> take_histogram(std::string_view& rest) {
  TROUPE_ASSIGN(auto h, parse_histogram(rest));
  rest.remove_prefix(h.consumed);
  return h;
}

// `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3` or `{{…}}-{{…}}x3` at the start of `rest`.
status append_histograms(std::vector<series_value>& out, std::string_view& rest) {
  TROUPE_ASSIGN(auto first, take_histogram(rest));
  bool hint_set = first.hint_set;
  std::optional<histogram> step;
  bool subtract = false;
  if (rest.starts_with("+{{") || rest.starts_with("-{{")) {
    subtract = rest.front() == '-';
    rest.remove_prefix(1);
    TROUPE_ASSIGN(auto second, take_histogram(rest));
    hint_set = second.hint_set;
    if (first.value.schema > second.value.schema)
      return {errc::invalid_argument, "error combining histograms: the step has a lower schema"};
    step = std::move(second.value);
  }
  item_reader suffix(rest.substr(0, std::min(rest.find_first_of(" \t"), rest.size())));
  uint64_t count = 0;
  if (!suffix.done() || step) {
    TROUPE_ASSIGN(count, suffix.repetitions());
  }
  rest.remove_prefix(std::min(rest.find_first_of(" \t"), rest.size()));
  TROUPE_TRY(room_for(out.size(), count + 1));
  auto current = std::make_shared<const histogram>(std::move(first.value));
  for (uint64_t i = 0; i <= count; ++i) {
    out.push_back({.histogram = current, .hint_set = hint_set});
    if (!step)
      continue;
    wide_histogram next(*current);
    if (!(subtract ? next.sub(*step) : next.add(*step)).compatible)
      return {errc::invalid_argument, "error combining histograms: incompatible buckets"};
    current = next.build();
  }
  return {};
}

status append_offsets(std::vector<std::optional<int64_t>>& out, std::string_view item) {
  item_reader r(item);
  if (r.accept('_')) {
    TROUPE_ASSIGN(const auto count, gap_length(r));
    TROUPE_TRY(room_for(out.size(), count));
    out.insert(out.end(), count, std::nullopt);
    return {};
  }
  int64_t offset = 0;
  if (r.accept('*')) {
    for (const auto& before : out)
      offset = before.value_or(offset);
  } else {
    TROUPE_ASSIGN(offset, r.duration());
  }
  int64_t step = 0;
  uint64_t count = 0;
  if (!r.done()) {
    if (r.next() != 'x') {
      TROUPE_ASSIGN(step, r.duration());
    }
    TROUPE_ASSIGN(count, r.repetitions());
  }
  TROUPE_TRY(room_for(out.size(), count + 1));
  for (uint64_t i = 0; i <= count; ++i, offset += step)
    out.emplace_back(offset);
  return {};
}

// Takes the next blank-separated item off `rest`.
std::string_view take_item(std::string_view& rest) {
  rest = trim(rest);
  const auto n = std::min(rest.find_first_of(" \t"), rest.size());
  const auto item = rest.substr(0, n);
  rest.remove_prefix(n);
  return item;
}

}  // namespace

bool series_notation::has_histograms() const {
  return std::ranges::any_of(values, [](const auto& v) { return v.histogram != nullptr; });
}

result<series_notation> parse_series_line(std::string_view line) {
  line = trim(line);
  series_notation out;
  size_t used = 0;
  // `{{` starts a value, not the labels.
  if (!line.starts_with("{{")) {
    TROUPE_ASSIGN(out.series, parse_series_labels(line, &used));
  }
  auto rest = line.substr(used);
  while (!rest.empty()) {
    if (used > 0 && !is_blank(rest.front()))
      return {errc::invalid_argument, "a blank expected before " + quoted(rest)};
    used = 1;  // from now on a blank must stand before each value
    rest = trim(rest);
    if (rest.starts_with("{{"))
      TROUPE_TRY(append_histograms(out.values, rest));
    else
      TROUPE_TRY(append_floats(out.values, take_item(rest)));
  }
  return out;
}

bool is_start_line(std::string_view line) {
  line = trim(line);
  const auto blank = line.find_first_of(" \t");
  return blank != std::string_view::npos && line.substr(0, blank).ends_with("@st");
}

result<start_notation> parse_start_line(std::string_view line) {
  auto rest = trim(line);
  auto series = take_item(rest);
  series.remove_suffix(3);  // @st
  start_notation out;
  if (!series.empty()) {
    TROUPE_ASSIGN(out.series, parse_series_labels(series));
  }
  for (auto item = take_item(rest); !item.empty(); item = take_item(rest))
    TROUPE_TRY(append_offsets(out.offsets, item));
  return out;
}

}  // namespace troupe::query
