// Fields and methods of values: what stands behind a dot. Pure, any thread.
#pragma once

#include "pipeline/template/value.h"
#include "storage/base/result.h"

#include <optional>
#include <span>
#include <string_view>

namespace troupe::templates {

/// The field `name` of a struct or map (nil where a map lacks the key). Nothing: there is no such
/// field, or the value has none at all.
std::optional<value> find_field(const value& v, std::string_view name);
bool is_map(const value& v);

}  // namespace troupe::templates
