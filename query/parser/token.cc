#include "query/parser/token.h"

#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::query {
namespace {

using enum token_kind;

constexpr std::array<std::pair<std::string_view, token_kind>, 39> keywords{{
    {"anchored", anchored},
    {"and", land},
    {"atan2", atan2},
    {"avg", aggregator},
    {"bool", bool_},
    {"bottomk", aggregator},
    {"by", by},
    {"count", aggregator},
    {"count_values", aggregator},
    {"end", end},
    {"fill", fill},
    {"fill_left", fill_left},
    {"fill_right", fill_right},
    {"group", aggregator},
    {"group_left", group_left},
    {"group_right", group_right},
    {"ignoring", ignoring},
    {"inf", number},
    {"limit_ratio", aggregator},
    {"limitk", aggregator},
    {"max", aggregator},
    {"max_of", max_of},
    {"min", aggregator},
    {"min_of", min_of},
    {"nan", number},
    {"offset", offset},
    {"on", on},
    {"or", lor},
    {"quantile", aggregator},
    {"range", range},
    {"smoothed", smoothed},
    {"start", start},
    {"stddev", aggregator},
    {"stdvar", aggregator},
    {"step", step},
    {"sum", aggregator},
    {"topk", aggregator},
    {"unless", lunless},
    {"without", without},
}};
static_assert(std::is_sorted(keywords.begin(), keywords.end()));

// The first ten characters, as fmt's %.10q counts them.
std::string_view first_runes(std::string_view text, size_t count) {
  size_t i = 0;
  while (i < text.size() && count > 0) {
    ++i;
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80)
      ++i;
    --count;
  }
  return text.substr(0, i);
}

std::string quoted_short(std::string_view text) {
  if (text.size() <= 10)
    return quoted(text);
  return quoted(first_runes(text, 10)) + "...";
}

}  // namespace

bool can_name_metric(token_kind k) {
  switch (k) {
    case identifier:
    case metric_identifier:
    case aggregator:
    case by:
    case without:
    case offset:
    case land:
    case lor:
    case lunless:
    case start:
    case end:
    case step:
    case range:
    case min_of:
    case max_of:
    case anchored:
    case smoothed:
      return true;
    default:
      return false;
  }
}

bool can_name_label(token_kind k) {
  return can_name_metric(k) || is_keyword(k) || k == atan2;
}

token_kind keyword_kind(std::string_view lower_case) {
  const auto it = std::lower_bound(keywords.begin(), keywords.end(), lower_case,
                                   [](const auto& k, auto word) { return k.first < word; });
  return it != keywords.end() && it->first == lower_case ? it->second : identifier;
}

std::string describe(const token& t) {
  switch (t.kind) {
    case eof:
      return "end of input";
    case error:
      return std::string(t.text);
    case identifier:
      return "identifier " + quoted(t.text);
    case metric_identifier:
      return "metric identifier " + quoted(t.text);
    case number:
      return "number " + quoted_short(t.text);
    case duration:
      return "duration " + quoted_short(t.text);
    case string:
      return "string " + quoted_short(t.text);
    default:
      break;
  }
  if (is_keyword(t.kind))
    return "<" + std::string(t.text) + ">";
  if (is_operator(t.kind))
    return "<op:" + std::string(t.text) + ">";
  if (t.kind == aggregator)
    return "<aggr:" + std::string(t.text) + ">";
  return quoted_short(t.text);
}

}  // namespace troupe::query
