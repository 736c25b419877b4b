#include "query/promqltest/histogram_notation.h"

#include "query/parser/number_text.h"
#include "query/promqltest/compare.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

namespace troupe::query {
namespace {

constexpr size_t max_buckets = 100'000;

// `key:value` pairs between the braces.
class notation_reader {
 public:
  explicit notation_reader(std::string_view text) : text_(text) {}

  result<histogram_notation> run() {
    if (!accept("{{"))
      return bad("\"{{\" expected");
    skip_blanks();
    while (!accept("}}")) {
      TROUPE_TRY(item());
      if (!text_.substr(at_).starts_with("}}") && !blank(next()))
        return bad("a blank or \"}}\" expected");
      skip_blanks();
    }
    auto& h = out_.value;
    h.is_float = true;
    if (!h.positive_buckets.empty())
      h.positive_spans = {{offset_, static_cast<uint32_t>(h.positive_buckets.size())}};
    if (!h.negative_buckets.empty())
      h.negative_spans = {{n_offset_, static_cast<uint32_t>(h.negative_buckets.size())}};
    out_.consumed = at_;
    return std::move(out_);
  }

 private:
  static bool blank(char c) { return c == ' ' || c == '\t'; }
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (blank(next()))
      ++at_;
  }
  bool accept(std::string_view s) {
    if (!text_.substr(at_).starts_with(s))
      return false;
    at_ += s.size();
    return true;
  }
  std::string_view word(std::string_view end) {
    const auto n = std::min(text_.find_first_of(end, at_), text_.size());
    const auto w = text_.substr(at_, n - at_);
    at_ = n;
    return w;
  }
  status bad(std::string_view why) const {
    return {errc::invalid_argument, "bad histogram " + quoted(text_) + " at byte " +
                                        std::to_string(at_) + ": " + std::string(why)};
  }

  status item() {
    const std::string key(word(": \t}"));
    if (!accept(":"))
      return bad("missing `:` for histogram descriptor");
    if (!seen_.insert(key).second)
      return bad("duplicate key " + quoted(key));
    auto& h = out_.value;
    if (key == "sum")
      return number(h.sum);
    if (key == "count")
      return number(h.count);
    if (key == "z_bucket")
      return number(h.zero_count);
    if (key == "z_bucket_w")
      return number(h.zero_threshold);
    if (key == "schema")
      return integer(h.schema);
    if (key == "offset")
      return integer(offset_);
    if (key == "n_offset")
      return integer(n_offset_);
    if (key == "buckets")
      return list(h.positive_buckets);
    if (key == "n_buckets")
      return list(h.negative_buckets);
    if (key == "custom_values")
      return list(h.custom_bounds);
    if (key == "counter_reset_hint")
      return hint();
    return bad("bad histogram descriptor found: " + quoted(key));
  }

  status number(double& out) {
    const auto n = parse_number(word(" \t}]"));
    if (!n.ok())
      return bad("number expected");
    out = *n;
    return {};
  }

  status integer(int32_t& out) {
    double n = 0;
    TROUPE_TRY(number(n));
    if (n != std::trunc(n) || std::fabs(n) > 1'000'000)
      return bad("integer expected");
    out = static_cast<int32_t>(n);
    return {};
  }

  status list(std::vector<double>& out) {
    if (!accept("["))
      return bad("\"[\" expected");
    skip_blanks();
    while (!accept("]")) {
      double n = 0;
      TROUPE_TRY(number(n));
      out.push_back(n);
      if (out.size() > max_buckets)
        return bad("too many buckets");
      skip_blanks();
    }
    return {};
  }

  status hint() {
    const auto w = word(" \t}");
    auto& h = out_.value.hint;
    out_.hint_set = true;
    if (w == "unknown")
      h = counter_reset_hint::unknown;
    else if (w == "reset")
      h = counter_reset_hint::reset;
    else if (w == "not_reset")
      h = counter_reset_hint::not_reset;
    else if (w == "gauge")
      h = counter_reset_hint::gauge;
    else
      return bad("unknown counter reset hint");
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  histogram_notation out_;
  int32_t offset_ = 0;
  int32_t n_offset_ = 0;
  std::set<std::string> seen_;
};

// (index, count) of the buckets that are not empty.
std::vector<std::pair<int32_t, double>> filled(const std::vector<histogram_span>& spans,
                                               const std::vector<double>& counts) {
  std::vector<std::pair<int32_t, double>> out;
  int32_t index = 0;
  size_t next = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < counts.size(); ++i, ++index, ++next)
      if (counts[next] != 0)
        out.emplace_back(index, counts[next]);
  }
  return out;
}

bool same_side(const std::vector<std::pair<int32_t, double>>& a,
               const std::vector<std::pair<int32_t, double>>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.first == y.first && almost_equal(x.second, y.second);
  });
}

}  // namespace

result<histogram_notation> parse_histogram(std::string_view text) {
  return notation_reader(text).run();
}

bool almost_equal(const histogram& a, const histogram& b, bool with_hint) {
  return a.schema == b.schema && almost_equal(a.count, b.count) && almost_equal(a.sum, b.sum) &&
         a.custom_bounds == b.custom_bounds && a.zero_threshold == b.zero_threshold &&
         almost_equal(a.zero_count, b.zero_count) &&
         same_side(filled(a.positive_spans, a.positive_buckets),
                   filled(b.positive_spans, b.positive_buckets)) &&
         same_side(filled(a.negative_spans, a.negative_buckets),
                   filled(b.negative_spans, b.negative_buckets)) &&
         (!with_hint || a.hint == b.hint);
}

result<histogram> with_custom_buckets(classic_histogram from) {
  std::ranges::sort(from.buckets);
  constexpr double inf = std::numeric_limits<double>::infinity();
  if (!from.has_count && !from.buckets.empty())
    from.count = from.buckets.back().second;
  if (from.buckets.empty() || from.buckets.back().first != inf)
    from.buckets.emplace_back(inf, from.count);
  histogram h;
  h.schema = histogram::custom_schema;
  h.is_float = true;
  h.count = from.count;
  h.sum = from.sum;
  double below = 0;
  for (const auto& [bound, cumulative] : from.buckets) {
    if (cumulative < below)
      return {errc::invalid_argument, "the buckets of a classic histogram are not cumulative"};
    h.positive_buckets.push_back(cumulative - below);
    below = cumulative;
    if (bound != inf)
      h.custom_bounds.push_back(bound);
  }
  if (below != from.count)
    return {errc::invalid_argument, "the count of a classic histogram is not its +Inf bucket"};
  h.positive_spans = {{0, static_cast<uint32_t>(h.positive_buckets.size())}};
  return h;
}

}  // namespace troupe::query
