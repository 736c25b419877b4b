// Escaping as the functions html, js and urlquery of Go's text/template do it. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace troupe::templates {

std::string html_escaped(std::string_view text);
std::string js_escaped(std::string_view text);
/// url.QueryEscape: a blank becomes '+'.
std::string query_escaped(std::string_view text);

}  // namespace troupe::templates
