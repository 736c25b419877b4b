// Small rules about header text, shared by both sides of the wire (RFC 9110 §5). Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace troupe::http {

inline char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
/// Equal without regard to ASCII case.
bool equal_fold(std::string_view a, std::string_view b);
/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);
/// Takes the first non-empty item off a comma-separated list; false at its end.
bool next_list_item(std::string_view& list, std::string_view& item);
/// True if a comma-separated list names `token`.
bool list_contains(std::string_view list, std::string_view token);
/// An Accept-Encoding that allows gzip (q=0 refuses).
bool accepts_gzip(std::string_view accept_encoding);
/// A token of RFC 9110 §5.6.2.
bool valid_header_name(std::string_view name);
/// No control characters but tab: nothing that could end the line.
bool valid_header_value(std::string_view value);
/// What a peer said, for an error: at most 300 bytes on one line.
std::string shown_text(std::string_view text);
/// Appends "Name: value\r\n".
void put_header(std::string& out, std::string_view name, std::string_view value);

}  // namespace troupe::http
