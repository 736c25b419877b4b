#include "pipeline/send/metadata_book.h"

#include <array>

namespace troupe::send {
namespace {

/// What series of a family have behind its name (OpenMetrics 1.0, Prometheus text format).
constexpr std::array<std::string_view, 6> suffixes{"_bucket",  "_count", "_sum",
                                                   "_created", "_total", "_info"};

}  // namespace

void metadata_book::add(const std::vector<std::pair<std::string, metadata>>& all) {
  std::string_view before;
  for (const auto& [family, m] : all) {
    if (family != before)
      families_.insert_or_assign(family, m);
    before = family;
  }
}

void metadata_book::add(const std::vector<metadata_entry>& all) {
  for (const auto& e : all)
    families_.insert_or_assign(e.family, e.value);
}

const metadata& metadata_book::of(std::string_view metric) const {
  static const metadata none;
  if (const auto at = families_.find(metric); at != families_.end())
    return at->second;
  for (const auto suffix : suffixes) {
    if (!metric.ends_with(suffix))
      continue;
    const auto at = families_.find(metric.substr(0, metric.size() - suffix.size()));
    if (at != families_.end())
      return at->second;
  }
  return none;
}

}  // namespace troupe::send
