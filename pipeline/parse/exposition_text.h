// Names, series and numbers as the text formats write them. Pure functions, any thread.
#pragma once

#include "storage/model/labels.h"

#include <string>
#include <string_view>

namespace troupe::parse {

/// [a-zA-Z_][a-zA-Z0-9_]*, in a metric's name ':' too.
bool is_legacy_name(std::string_view name, bool metric);
/// The name, in quotes if it is beyond is_legacy_name.
void append_name(std::string& out, std::string_view name, bool metric);
/// The shortest text that reads as the same double; "NaN" for every NaN, "+Inf", "-Inf".
void append_value(std::string& out, double v);
/// `name{a="b"}`, or `{"name",a="b"}` for a name in quotes.
void append_series(std::string& out, const labels& series);

}  // namespace troupe::parse
