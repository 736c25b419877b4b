#include "query/promqltest/series_notation.h"

#include "query/parser/number_text.h"
#include "query/parser/parser.h"
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

// Appends `first`, `first + step` and so on, `count` + 1 in all.
template <class T>
status append_run(std::vector<std::optional<T>>& out, T first, T step, uint64_t count) {
  if (out.size() + count + 1 > max_values)
    return {errc::resource_exhausted, "too many values in one series"};
  for (uint64_t i = 0; i <= count; ++i) {
    out.push_back(first);
    if (step != T{})  // adding 0 would lose the bits of a stale marker
      first += step;
  }
  return {};
}

template <class T>
status append_gap(std::vector<std::optional<T>>& out, item_reader& r) {
  uint64_t count = 1;
  if (!r.done()) {
    TROUPE_ASSIGN(count, r.repetitions());
  }
  if (out.size() + count > max_values)
    return {errc::resource_exhausted, "too many values in one series"};
  out.insert(out.end(), count, std::nullopt);
  return {};
}

status append_values(std::vector<std::optional<double>>& out, std::string_view item) {
  item_reader r(item);
  if (r.accept('_'))
    return append_gap(out, r);
  TROUPE_ASSIGN(const double first, r.number());
  if (r.done())
    return append_run(out, first, 0.0, 0);
  if (r.next() == 'x') {
    TROUPE_ASSIGN(const auto count, r.repetitions());
    return append_run(out, first, 0.0, count);
  }
  TROUPE_ASSIGN(const double step, r.number());
  TROUPE_ASSIGN(const auto count, r.repetitions());
  return append_run(out, first, step, count);
}

status append_offsets(std::vector<std::optional<int64_t>>& out, std::string_view item) {
  item_reader r(item);
  if (r.accept('_'))
    return append_gap(out, r);
  int64_t first = 0;
  if (r.accept('*')) {
    for (const auto& before : out)
      first = before.value_or(first);
  } else {
    TROUPE_ASSIGN(first, r.duration());
  }
  if (r.done())
    return append_run(out, first, int64_t{0}, 0);
  int64_t step = 0;
  if (r.next() != 'x') {
    TROUPE_ASSIGN(step, r.duration());
  }
  TROUPE_ASSIGN(const auto count, r.repetitions());
  return append_run(out, first, step, count);
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

result<series_notation> parse_series_line(std::string_view line) {
  line = trim(line);
  series_notation out;
  size_t used = 0;
  // `{{` starts a value, not the labels.
  const bool no_labels = line.starts_with("{{");
  if (!no_labels) {
    TROUPE_ASSIGN(out.series, parse_series_labels(line, &used));
  }
  auto rest = line.substr(used);
  if (!rest.empty() && !is_blank(rest.front()))
    return {errc::invalid_argument, "unexpected text after the labels: " + quoted(rest)};
  for (auto item = take_item(rest); !item.empty(); item = take_item(rest)) {
    if (item.starts_with("{{")) {
      out.has_histograms = true;
      return out;
    }
    TROUPE_TRY(append_values(out.values, item));
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
