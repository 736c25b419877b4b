// Matchers to series: the same resolution over every kind of index.
#pragma once

#include "storage/base/result.h"
#include "storage/index/postings.h"
#include "storage/model/matcher.h"

#include <span>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// An index as matchers see it. Implemented by memory_index and index_reader. Lists that are the
/// index's own are valid as long as the source.
class postings_source {
 public:
  virtual ~postings_source() = default;
  virtual postings_ptr all() const = 0;
  /// The series with name="value" (value not empty); empty (never null) if there are none.
  virtual result<postings_ptr> lookup(std::string_view name, std::string_view value) const = 0;
  /// One list per value of m.name() for which m.matches(value) == wanted; asks at most once per
  /// distinct value.
  virtual result<std::vector<postings_ptr>> collect(const matcher& m, bool wanted) const = 0;
};

/// The series that match all of `ms`, with Prometheus' semantics of absent labels: an absent label
/// is "", so {a=""}, {a!="x"} and {a=~".*"} include series without `a`. No matchers: all series.
result<posting_list> resolve(const postings_source& index, std::span<const matcher> ms);
/// The same as a set, which may be one of the index's own.
result<postings_ptr> resolve_set(const postings_source& index, std::span<const matcher> ms);

}  // namespace troupe::storage
