// Go's fmt for the values of templates: Sprint, Sprintln and Sprintf. Pure, any thread.
#pragma once

#include "pipeline/template/value.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace troupe::templates {

/// Appends a value as %v does. A pointer inside of a list shows what it points to, where Go shows
/// its address.
/// What is left out beyond `max_bytes` (of all of `out`) only shows in out.size(), which is then
/// above it; the same holds below.
void append_value(std::string& out, const value& v, size_t max_bytes);
/// The operands with blanks between those that are no strings.
void append_print(std::string& out, std::span<const value> args, size_t max_bytes);
/// The operands with blanks between, and a newline.
void append_println(std::string& out, std::span<const value> args, size_t max_bytes);
/// All verbs and flags; what does not fit shows in the text as in Go ("%!d(string=x)").
void append_printf(std::string& out, std::string_view format, std::span<const value> args,
                   size_t max_bytes);

}  // namespace troupe::templates
