#include "pipeline/template/escape.h"

#include "query/parser/rune.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

namespace troupe::templates {
namespace {

std::string_view html_entity(char c) {
  switch (c) {
    case '\0':
      return "\xef\xbf\xbd";
    case '"':
      return "&#34;";
    case '\'':
      return "&#39;";
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    default:
      return {};
  }
}

bool is_printable(std::string_view utf8) {
  return quoted(utf8).size() == utf8.size() + 2;
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (const auto entity = html_entity(c); !entity.empty())
      out += entity;
    else
      out += c;
  }
  return out;
}

std::string js_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto r = query::decode_rune(text, at);
    const auto bytes = text.substr(at, r.width);
    at += r.width;
    if (r.code == '\\' || r.code == '\'' || r.code == '"')
      out.append("\\").append(bytes);
    else if (r.code < ' ' || r.code == '<' || r.code == '>' || r.code == '&' || r.code == '=')
      out += fmt::format("\\u{:04X}", static_cast<uint32_t>(r.code));
    else if (r.code < 0x80 || is_printable(bytes) || (r.code == query::rune_error && r.width == 1))
      out += bytes;
    else
      out += fmt::format("\\u{:04X}", static_cast<uint32_t>(r.code));
  }
  return out;
}

std::string query_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (query::is_alnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '~')
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace troupe::templates
