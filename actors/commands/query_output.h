// Prints a Prometheus API answer as a table or as sparklines. Pure.
#pragma once

#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::actors {

/// `body` is the whole JSON answer of query, query_range, series, labels or label values.
/// invalid_argument if it is not one; the server's own error text if it says so.
result<std::string> render_table(std::string_view body);
/// One line a series: its name, first and last value, and its course in block characters (at most
/// `width`).
result<std::string> render_sparklines(std::string_view body, size_t width = 60);

}  // namespace troupe::actors
