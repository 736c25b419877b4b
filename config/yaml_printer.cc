#include "config/yaml_printer.h"

#include "config/text.h"
#include "config/yaml_reader.h"
#include "storage/base/check.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace troupe::config {
namespace {

// YAML allows a longer key only behind a question mark.
constexpr size_t max_simple_key = 1000;

display_value scalar(std::string text, bool raw = false) {
  display_value v;
  v.text = std::move(text);
  v.raw = raw;
  return v;
}

display_value list_of(const std::vector<std::string>& items) {
  display_value v;
  v.type = display_value::kind::list;
  for (const auto& i : items)
    v.items.push_back(scalar(i));
  return v;
}

std::vector<std::string> marks(size_t n) {
  return std::vector<std::string>(n, std::string(secret_mark));
}

// Would YAML read this plain text as something other than this string?
bool needs_quotes(std::string_view text) {
  bool b = false;
  double d = 0;
  uint64_t n = 0;
  if (text.empty() || text == "~" || lower(text) == "null" || parse_yaml_bool(text, b) ||
      parse_yaml_number(text, d) || parse_yaml_count(text, n))
    return true;
  if (std::string_view("!&*-?|>@`\"'%#{}[],:= ").find(text.front()) != std::string_view::npos ||
      text.back() == ' ' || text.back() == ':')
    return true;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos)
    return true;
  // Dates would be read as timestamps by some tools.
  if (std::isdigit(static_cast<unsigned char>(text.front())) &&
      text.find('-') != std::string_view::npos)
    return true;
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < ' ' || c >= 0x7f; });
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (c < ' ' || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out += static_cast<char>(c);
  }
  return out + '"';
}

std::string plain_or_quoted(std::string_view text) {
  return needs_quotes(text) ? quote(text) : std::string(text);
}

void render(const display_value& v, size_t indent, std::string& out);

// After "key:" or "-".
void render_value(const display_value& v, size_t indent, std::string& out) {
  using kind = display_value::kind;
  if (v.type == kind::scalar) {
    out += ' ' + (v.raw ? v.text : plain_or_quoted(v.text)) + '\n';
  } else if (v.type == kind::list && v.items.empty()) {
    out += " []\n";
  } else if (v.type == kind::map && v.members.empty()) {
    out += " {}\n";
  } else {
    out += '\n';
    render(v, v.type == kind::list ? indent : indent + 2, out);
  }
}

// An entry of a list: the first line goes behind the dash.
void render_item(const display_value& v, size_t indent, std::string& out) {
  out += std::string(indent, ' ') + '-';
  const bool nested = !v.items.empty() || !v.members.empty();
  if (!nested) {
    render_value(v, indent, out);
    return;
  }
  std::string inner;
  render(v, indent + 2, inner);
  out += ' ' + inner.substr(indent + 2);
}

void render(const display_value& v, size_t indent, std::string& out) {
  for (const auto& [key, value] : v.members) {
    const auto name = plain_or_quoted(key);
    const std::string start(indent, ' ');
    out += name.size() <= max_simple_key ? start + name + ':'
                                         : start + "? " + name + '\n' + start + ':';
    render_value(value, indent, out);
  }
  for (const auto& item : v.items)
    render_item(item, indent, out);
}

}  // namespace

std::string render_yaml(const display_value& v) {
  if (v.type == display_value::kind::scalar)
    return (v.raw ? v.text : plain_or_quoted(v.text)) + '\n';
  if (v.items.empty() && v.members.empty())
    return v.type == display_value::kind::list ? "[]\n" : "{}\n";
  std::string out;
  render(v, 0, out);
  return out;
}

yaml_printer::yaml_printer() {
  levels_.emplace_back();
  levels_.back().value.type = display_value::kind::map;
}

std::string yaml_printer::text() const {
  TROUPE_CHECK(levels_.size() == 1);
  return render_yaml(levels_.front().value);
}

void yaml_printer::add(std::string_view key, display_value v) {
  levels_.back().value.members.emplace_back(std::string(key), std::move(v));
}

void yaml_printer::add_scalar(std::string_view key, std::string text, bool raw) {
  add(key, scalar(std::move(text), raw));
}

void yaml_printer::add_list(std::string_view key, const std::vector<std::string>& items) {
  if (!items.empty())
    add(key, list_of(items));
}

void yaml_printer::text(std::string_view key, std::string& v, shown s, when w) {
  if (w == when::set && v.empty())
    return;
  add_scalar(key, s == shown::yes ? v : std::string(secret_mark), false);
}

void yaml_printer::secret_text(std::string_view key, secret& v) {
  if (!v.empty())
    add_scalar(key, std::string(secret_mark), false);
}

void yaml_printer::url(std::string_view key, std::string& v) {
  if (!v.empty())
    add_scalar(key, mask_url(v), false);
}

void yaml_printer::path(std::string_view key, std::string& v) {
  text(key, v, shown::yes, when::set);
}

void yaml_printer::flag(std::string_view key, bool& v, when w) {
  if (v || w == when::always)
    add_scalar(key, v ? "true" : "false", true);
}

void yaml_printer::integer(std::string_view key, int64_t& v, when w) {
  if (v != 0 || w == when::always)
    add_scalar(key, std::to_string(v), true);
}

void yaml_printer::count(std::string_view key, uint64_t& v, when w) {
  if (v != 0 || w == when::always)
    add_scalar(key, std::to_string(v), true);
}

void yaml_printer::number(std::string_view key, double& v, when w) {
  if (v != 0 || w == when::always)
    add_scalar(key, fmt::format("{}", v), true);
}

void yaml_printer::duration(std::string_view key, int64_t& ms, when w) {
  if (ms != 0 || w == when::always)
    add_scalar(key, format_duration(ms), true);
}

void yaml_printer::bytes(std::string_view key, uint64_t& v, when w) {
  if (v != 0 || w == when::always)
    add_scalar(key, format_bytes(v), true);
}

void yaml_printer::texts(std::string_view key, std::vector<std::string>& v, shown s) {
  add_list(key, s == shown::yes ? v : marks(v.size()));
}

void yaml_printer::paths(std::string_view key, std::vector<std::string>& v) {
  add_list(key, v);
}

void yaml_printer::secrets(std::string_view key, std::vector<secret>& v) {
  add_list(key, marks(v.size()));
}

void yaml_printer::text_map(std::string_view key, std::map<std::string, std::string>& v, shown s) {
  if (v.empty())
    return;
  display_value map;
  map.type = display_value::kind::map;
  for (const auto& [name, value] : v)
    map.members.emplace_back(name, scalar(s == shown::yes ? value : std::string(secret_mark)));
  add(key, std::move(map));
}

void yaml_printer::secret_map(std::string_view key, std::map<std::string, secret>& v) {
  std::map<std::string, std::string> masked;
  for (const auto& [name, value] : v)
    masked[name] = "";
  text_map(key, masked, shown::no);
}

void yaml_printer::texts_map(std::string_view key,
                             std::map<std::string, std::vector<std::string>>& v, shown s) {
  if (v.empty())
    return;
  display_value map;
  map.type = display_value::kind::map;
  for (const auto& [name, values] : v)
    map.members.emplace_back(name, list_of(s == shown::yes ? values : marks(values.size())));
  add(key, std::move(map));
}

void yaml_printer::secrets_map(std::string_view key,
                               std::map<std::string, std::vector<secret>>& v) {
  std::map<std::string, std::vector<std::string>> masked;
  for (const auto& [name, values] : v)
    masked[name] = std::vector<std::string>(values.size());
  texts_map(key, masked, shown::no);
}

void yaml_printer::pick(std::string_view key, size_t& index,
                        std::span<const std::string_view> names, when, bool) {
  if (index != unset)
    add_scalar(key, std::string(names[index]), false);
}

void yaml_printer::picks(std::string_view key, std::vector<size_t>& indices,
                         std::span<const std::string_view> names) {
  std::vector<std::string> texts;
  for (const auto i : indices)
    texts.emplace_back(names[i]);
  add_list(key, texts);
}

bool yaml_printer::enter(std::string_view key, when w) {
  level l;
  l.value.type = display_value::kind::map;
  l.key = key;
  l.keep_empty = w == when::always;
  levels_.push_back(std::move(l));
  return true;
}

size_t yaml_printer::enter_list(std::string_view key, size_t have) {
  if (have == 0)
    return unset;
  enter(key, when::set);
  levels_.back().value.type = display_value::kind::list;
  return have;
}

bool yaml_printer::enter_item(size_t) {
  return enter("", when::always);
}

std::optional<std::vector<std::string>> yaml_printer::enter_map(
    std::string_view key, const std::vector<std::string>& have) {
  if (have.empty())
    return std::nullopt;
  enter(key, when::set);
  return have;
}

void yaml_printer::leave() {
  auto done = std::move(levels_.back());
  levels_.pop_back();
  TROUPE_CHECK(!levels_.empty());
  auto& parent = levels_.back().value;
  if (parent.type == display_value::kind::list)
    parent.items.push_back(std::move(done.value));
  else if (done.keep_empty || !done.value.members.empty() || !done.value.items.empty())
    parent.members.emplace_back(std::move(done.key), std::move(done.value));
}

}  // namespace troupe::config
