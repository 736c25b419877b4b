#include "pipeline/parse/exposition_text.h"

#include "storage/base/quote.h"

#include <charconv>
#include <cmath>

namespace troupe::parse {
namespace {

bool is_legacy_char(char c, bool first, bool metric) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (metric && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

}  // namespace

bool is_legacy_name(std::string_view name, bool metric) {
  for (size_t i = 0; i < name.size(); ++i)
    if (!is_legacy_char(name[i], i == 0, metric))
      return false;
  return !name.empty();
}

void append_name(std::string& out, std::string_view name, bool metric) {
  if (is_legacy_name(name, metric)) {
    out += name;
    return;
  }
  out += '"';
  append_escaped(out, name);
  out += '"';
}

void append_value(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
  } else if (std::isinf(v)) {
    out += v > 0 ? "+Inf" : "-Inf";
  } else {
    char buf[32];
    auto end = std::to_chars(buf, buf + sizeof buf, v).ptr;
    out.append(buf, end);
  }
}

void append_series(std::string& out, const labels& series) {
  const auto name = series.metric_name();
  bool open = !is_legacy_name(name, true);
  if (open)
    out += '{';
  if (!name.empty())
    append_name(out, name, true);
  bool first = !open || name.empty();
  for (const auto& pair : series) {
    if (pair.name == metric_name_label)
      continue;
    if (!open)
      out += '{';
    else if (!first)
      out += ',';
    open = true;
    first = false;
    append_name(out, pair.name, false);
    out += "=\"";
    append_escaped(out, pair.value);
    out += '"';
  }
  if (open)
    out += '}';
}

}  // namespace troupe::parse
