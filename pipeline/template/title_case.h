// Title case as golang.org/x/text/cases makes it for Prometheus. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace troupe::templates {

/// The first letter of each word in title case, all others as they are. Words are those of Unicode
/// (UAX 29): "it's", "a.b" and "a_b" are one, "a-b" and "a b" two.
std::string title_case(std::string_view text);

}  // namespace troupe::templates
