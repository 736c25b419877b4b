// Numbers as text, both ways. Pure, any thread.
#pragma once

#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::query {

/// Shortest decimal that reads back as `value`, without exponent: FormatFloat(value, 'f', -1, 64).
/// NaN, +Inf, -Inf.
void append_fixed(std::string& out, double value);
/// The same with an exponent below 1e-4 and from 1e21 on.
void append_shortest(std::string& out, double value);
/// The same with an exponent below 1e-6 and from 1e21 on: how Prometheus writes samples in JSON.
void append_sample(std::string& out, double value);
std::string fixed(double value);
std::string shortest(double value);

/// A number as PromQL writes it: decimal or hexadecimal integer, octal with a leading 0, float,
/// inf, nan, underscores between digits. The error is Go's ("strconv.ParseFloat: parsing \"1e999\":
/// value out of range").
result<double> parse_number(std::string_view text);

}  // namespace troupe::query
