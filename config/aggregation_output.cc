#include "config/aggregation_output.h"

#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace troupe::config {
namespace {

constexpr std::array<std::string_view, 18> names{"avg",
                                                 "count_samples",
                                                 "count_series",
                                                 "histogram_bucket",
                                                 "increase",
                                                 "increase_prometheus",
                                                 "last",
                                                 "max",
                                                 "min",
                                                 "quantiles",
                                                 "rate_avg",
                                                 "rate_sum",
                                                 "stddev",
                                                 "stdvar",
                                                 "sum_samples",
                                                 "total",
                                                 "total_prometheus",
                                                 "unique_samples"};

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ')
    s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ')
    s.remove_suffix(1);
  return s;
}

status bad(std::string message) {
  return {errc::invalid_argument, std::move(message)};
}

result<std::vector<double>> parse_phis(std::string_view list) {
  std::vector<double> out;
  for (bool more = true; more;) {
    const size_t comma = list.find(',');
    more = comma != std::string_view::npos;
    const auto text = trimmed(list.substr(0, comma));
    double phi = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), phi);
    if (ec != std::errc() || end != text.data() + text.size() || !(phi >= 0 && phi <= 1))
      return bad(quoted(text) + " is no quantile between 0 and 1");
    if (std::find(out.begin(), out.end(), phi) != out.end())
      return bad("the quantile " + quoted(text) + " is there twice");
    out.push_back(phi);
    if (more)
      list.remove_prefix(comma + 1);
  }
  return out;
}

}  // namespace

std::string_view to_string(aggregation_function f) {
  return names[static_cast<size_t>(f)];
}

result<aggregation_output> parse_aggregation_output(std::string_view text) {
  constexpr std::string_view with_phis = "quantiles(";
  aggregation_output out;
  if (text.starts_with(with_phis) && text.ends_with(')')) {
    out.function = aggregation_function::quantiles;
    text.remove_prefix(with_phis.size());
    text.remove_suffix(1);
    TROUPE_ASSIGN(out.phis, parse_phis(text));
    return out;
  }
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end())
    return bad("unknown output " + quoted(text));
  out.function = static_cast<aggregation_function>(found - names.begin());
  if (out.function == aggregation_function::quantiles)
    return bad("quantiles needs its quantiles in parentheses: \"quantiles(0.5, 0.99)\"");
  return out;
}

}  // namespace troupe::config
