#include "pipeline/otlp/naming.h"

#include "query/parser/rune.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace troupe::otlp {

namespace {

using unit_pair = std::pair<std::string_view, std::string_view>;
constexpr std::array<unit_pair, 26> units{{
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
}};
constexpr std::array<unit_pair, 7> per_units{{{"s", "second"},
                                              {"m", "minute"},
                                              {"h", "hour"},
                                              {"d", "day"},
                                              {"w", "week"},
                                              {"mo", "month"},
                                              {"y", "year"}}};

template <class Table>
std::string_view look_up(const Table& table, std::string_view unit) {
  const auto* at =
      std::find_if(table.begin(), table.end(), [&](const unit_pair& p) { return p.first == unit; });
  return at != table.end() ? at->second : unit;
}

bool is_label_char(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_metric_char(char32_t c) {
  return is_label_char(c) || c == ':';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool only_underscores(std::string_view text) {
  return text.find_first_not_of('_') == text.npos;
}

/// Calls f(rune) for each code point, U+FFFD for each byte that is none.
template <class F>
void for_each_rune(std::string_view text, F f) {
  for (size_t at = 0; at < text.size();) {
    const auto r = query::decode_rune(text, at);
    f(r.code);
    at += r.width;
  }
}

/// What `valid` holds for, split at all else.
template <class Valid>
std::vector<std::string> tokens(std::string_view text, Valid valid) {
  std::vector<std::string> out;
  bool inside = false;
  for_each_rune(text, [&](char32_t c) {
    if (!valid(c)) {
      inside = false;
      return;
    }
    if (!inside)
      out.emplace_back();
    inside = true;
    out.back() += static_cast<char>(c);
  });
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& p : parts)
    out += (&p == parts.data() ? "" : "_") + p;
  return out;
}

std::string_view without_spaces(std::string_view text) {
  constexpr std::string_view spaces = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(spaces);
  return first == text.npos ? std::string_view()
                            : text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

struct unit_suffixes {
  std::string main, per;
};

unit_suffixes suffixes_of(std::string_view unit) {
  const auto named = [](std::string_view part, const auto& table) {
    part = without_spaces(part);
    return part.find_first_of("{}") == part.npos ? std::string(look_up(table, part)) : "";
  };
  const auto slash = unit.find('/');
  unit_suffixes out;
  out.main = named(unit.substr(0, slash), units);
  if (slash != unit.npos)
    out.per = named(unit.substr(slash + 1), per_units);
  if (!out.per.empty())
    out.per = "per_" + out.per;
  return out;
}

/// Runs of what may not be in a name become one '_', none in front.
std::string clean(std::string_view unit) {
  std::string out;
  for_each_rune(unit, [&](char32_t c) {
    if (is_metric_char(c))
      out += static_cast<char>(c);
    else if (!out.ends_with('_'))
      out += '_';
  });
  return out.starts_with('_') ? out.substr(1) : out;
}

void drop_last_underscore(std::string& text) {
  if (text.ends_with('_'))
    text.pop_back();
}

void add_unit(std::vector<std::string>& parts, unit_suffixes unit) {
  const auto has = [&](const std::string& part) {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  unit = {clean(unit.main), clean(unit.per)};
  if (has(unit.main))
    unit.main.clear();
  if (unit.per == "per_")
    unit.per.clear();
  drop_last_underscore(unit.per);
  if (has(unit.per))
    unit.per.clear();
  if (!unit.per.empty())
    drop_last_underscore(unit.main);
  for (auto* suffix : {&unit.main, &unit.per})
    if (!suffix->empty())
      parts.push_back(std::move(*suffix));
}

void move_to_end(std::vector<std::string>& parts, const char* part) {
  std::erase(parts, part);
  parts.emplace_back(part);
}

bool is_counter(const metric& m) {
  return m.kind == metric_kind::sum && m.monotonic;
}
bool is_ratio(const metric& m) {
  return m.kind == metric_kind::gauge && m.unit == "1";
}

std::string escaped_name(const metric& m, bool with_suffixes) {
  std::vector<std::string> parts;
  if (with_suffixes) {
    parts = tokens(m.name, is_metric_char);
    add_unit(parts, suffixes_of(m.unit));
    if (is_counter(m))
      move_to_end(parts, "total");
    if (is_ratio(m))
      move_to_end(parts, "ratio");
  } else {
    parts = tokens(m.name, [](char32_t c) { return is_metric_char(c) || c == '_'; });
  }
  std::string out = joined(parts);
  return !out.empty() && is_digit(out[0]) ? "_" + out : out;
}

/// Without the suffix and the character before it.
void trim_suffix(std::string& name, std::string_view suffix) {
  if (name.ends_with(suffix) && name.size() > suffix.size() + 1)
    name.resize(name.size() - suffix.size() - 1);
}

std::string suffixed_name(const metric& m) {
  std::string name(m.name);
  const auto unit = suffixes_of(m.unit);
  if (is_ratio(m))
    trim_suffix(name, "ratio");
  if (is_counter(m))
    trim_suffix(name, "total");
  if (!unit.per.empty())
    trim_suffix(name, unit.per);
  if (!unit.main.empty() && !name.ends_with(unit.main))
    name += "_" + unit.main;
  if (!unit.per.empty())
    name += "_" + unit.per;
  if (is_counter(m))
    name += "_total";
  if (is_ratio(m))
    name += "_ratio";
  return name;
}

bool is_reserved(std::string_view label) {
  return label.size() >= 4 && label.starts_with("__") && label.ends_with("__");
}

std::string escaped_label(std::string_view label, bool keep_underscores) {
  const bool reserved = !keep_underscores && is_reserved(label);
  if (reserved)
    label = label.substr(2, label.size() - 4);
  std::string out;
  bool was_underscore = false;
  for_each_rune(label, [&](char32_t c) {
    const bool valid = is_label_char(c);
    if (valid || keep_underscores || !was_underscore)
      out += valid ? static_cast<char>(c) : '_';
    was_underscore = !valid;
  });
  return reserved ? "__" + out + "__" : out;
}

}  // namespace

result<std::string> metric_name(const metric& m, const name_rules& rules) {
  if (!rules.escape)
    return rules.suffixes ? suffixed_name(m) : std::string(m.name);
  auto name = escaped_name(m, rules.suffixes);
  if (name.empty())
    return {errc::invalid_argument, "normalization for metric " + quoted(m.name.substr(0, 256)) +
                                        " resulted in empty name"};
  if (name != m.name && only_underscores(name))
    return {errc::invalid_argument, "normalization for metric " + quoted(m.name.substr(0, 256)) +
                                        " resulted in invalid name " + quoted(name.substr(0, 256))};
  return name;
}

result<std::string> label_name(std::string_view attribute, const name_rules& rules) {
  if (attribute.empty())
    return {errc::invalid_argument, "label name is empty"};
  if (!rules.escape) {
    if (only_underscores(attribute))
      return {errc::invalid_argument,
              "label name " + quoted(attribute.substr(0, 256)) + " contains only underscores"};
    return std::string(attribute);
  }
  auto name = escaped_label(attribute, rules.keep_underscores);
  if (is_digit(name[0]))
    name = "key_" + name;
  else if (rules.sanitize_underscores && name.starts_with('_') && !name.starts_with("__"))
    name = "key" + name;
  if (only_underscores(name))
    return {errc::invalid_argument, "normalization for label name " +
                                        quoted(attribute.substr(0, 256)) +
                                        " resulted in invalid name " + quoted(name.substr(0, 256))};
  return name;
}

std::string unit_name(std::string_view unit) {
  const auto parts = suffixes_of(unit);
  const std::string main = clean(parts.main), per = clean(parts.per);
  std::string out = main + (main.empty() || per.empty() ? "" : "_") + per;
  if (out.starts_with('_'))
    out.erase(0, 1);
  drop_last_underscore(out);
  return out;
}

}  // namespace troupe::otlp
