// Posting lists: ascending, unique series references, and their set algebra. Plain values.
#pragma once

#include "storage/base/result.h"
#include "storage/model/matcher.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// Dense reference of a series inside one head shard or one block.
using series_ref = uint32_t;
using posting_list = std::vector<series_ref>;

posting_list intersect(const posting_list& a, const posting_list& b);
posting_list subtract(const posting_list& a, const posting_list& b);
/// Union of any number of lists.
posting_list unite(std::vector<posting_list> lists);
/// True if the lists share a reference.
bool intersects(std::span<const series_ref> a, std::span<const series_ref> b);

/// An index as matchers see it. Implemented by memory_index and index_reader.
class postings_source {
 public:
  using value_filter = std::function<bool(std::string_view value)>;

  virtual ~postings_source() = default;
  virtual posting_list all() const = 0;
  /// The series with name="value" (value not empty); empty if there are none.
  virtual result<posting_list> lookup(std::string_view name, std::string_view value) const = 0;
  /// One list per value of `name` for which `keep` holds; asks once per distinct value.
  virtual result<std::vector<posting_list>> collect(std::string_view name,
                                                    const value_filter& keep) const = 0;
};

/// The series that match all of `ms`, with Prometheus' semantics of absent labels: an absent label
/// is "", so {a=""}, {a!="x"} and {a=~".*"} include series without `a`. No matchers: all series.
result<posting_list> resolve(const postings_source& index, std::span<const matcher> ms);

}  // namespace troupe::storage
