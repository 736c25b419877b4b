// The methods of times and durations. Pure, any thread.
#pragma once

#include "pipeline/template/functions.h"
#include "pipeline/template/value.h"

#include <string_view>

namespace troupe::templates {

/// The method `name` of values of that type; its first parameter is the value itself. Null: there
/// is none.
const function* find_method(value::type receiver, std::string_view name);

}  // namespace troupe::templates
