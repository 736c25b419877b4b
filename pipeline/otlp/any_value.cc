#include "pipeline/otlp/any_value.h"

#include "pipeline/http/base64.h"
#include "query/parser/rune.h"

#include <charconv>
#include <cmath>
#include <map>

namespace troupe::otlp {

namespace {

using kind = any_value::kind;

/// Go's encoding/json: digits only from 1e-6 to below 1e21, exponents without a leading 0.
std::string json_number(double v) {
  const double size = std::abs(v);
  const bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  char buffer[400];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, v,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string out(buffer, end.ptr);
  if (const size_t n = out.size(); exponent && n >= 4 && out.substr(n - 4, 3) == "e-0")
    out.erase(n - 2, 1);
  return out;
}

std::string number_text(double v) {
  if (std::isnan(v))
    return "json: unsupported value: NaN";
  if (std::isinf(v))
    return v > 0 ? "json: unsupported value: +Inf" : "json: unsupported value: -Inf";
  return json_number(v);
}

/// Go's encoding/json without its escapes for HTML.
void append_json_text(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (size_t at = 0; at < text.size();) {
    const auto r = query::decode_rune(text, at);
    const auto code = static_cast<uint32_t>(r.code);
    const bool broken = code == query::rune_error && r.width == 1;
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n' || code == '\r' || code == '\t' || code == '\b' || code == '\f') {
      out += '\\';
      out += code == '\n'   ? 'n'
             : code == '\r' ? 'r'
             : code == '\t' ? 't'
             : code == '\b' ? 'b'
                            : 'f';
    } else if (code < 0x20 || code == 0x2028 || code == 0x2029 || broken) {
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4)
        out += digits[code >> shift & 15];
    } else {
      out.append(text.substr(at, r.width));
    }
    at += r.width;
  }
  out += '"';
}

/// False where Go's encoding/json gives an error.
bool append_json(std::string& out, const any_value& v);

bool append_json_array(std::string& out, const any_value& v) {
  out += '[';
  for (size_t i = 0; i < v.members.size(); ++i) {
    if (i != 0)
      out += ',';
    if (!append_json(out, v.members[i].value))
      return false;
  }
  out += ']';
  return true;
}

bool append_json_map(std::string& out, const any_value& v) {
  std::map<std::string_view, const any_value*> sorted;
  for (const auto& m : v.members)
    sorted[m.key] = &m.value;
  out += '{';
  bool first = true;
  for (const auto& [key, value] : sorted) {
    if (!first)
      out += ',';
    first = false;
    append_json_text(out, key);
    out += ':';
    if (!append_json(out, *value))
      return false;
  }
  out += '}';
  return true;
}

bool append_json(std::string& out, const any_value& v) {
  switch (v.type) {
    case kind::empty:
      out += "null";
      return true;
    case kind::text:
      append_json_text(out, v.text);
      return true;
    case kind::bytes:
      append_json_text(out, http::base64_encode(v.text));
      return true;
    case kind::real:
      out += json_number(v.real);
      return std::isfinite(v.real);
    case kind::array:
      return append_json_array(out, v);
    case kind::map:
      return append_json_map(out, v);
    default:
      out += to_text(v);
      return true;
  }
}

}  // namespace

std::string to_text(const any_value& v) {
  std::string out;
  switch (v.type) {
    case kind::empty:
      break;
    case kind::text:
      out = v.text;
      break;
    case kind::boolean:
      out = v.boolean ? "true" : "false";
      break;
    case kind::integer:
      out = std::to_string(v.integer);
      break;
    case kind::real:
      out = number_text(v.real);
      break;
    case kind::bytes:
      out = http::base64_encode(v.text);
      break;
    case kind::array:
    case kind::map:
      if (!append_json(out, v))
        out.clear();
      break;
  }
  return out;
}

}  // namespace troupe::otlp
