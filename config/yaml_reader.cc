#include "config/yaml_reader.h"

#include "config/text.h"
#include "storage/base/check.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::config {
namespace {

using kind = yaml_node::kind;

std::string_view kind_name(const yaml_node& n) {
  switch (n.type) {
    case kind::null:
      return "nothing";
    case kind::scalar:
      return "a single value";
    case kind::list:
      return "a list";
    case kind::map:
      return "a mapping";
  }
  return "";
}

std::string one_of(std::span<const std::string_view> names) {
  std::string out;
  for (const auto n : names) {
    if (!out.empty())
      out += ", ";
    out += n;
  }
  return out;
}

size_t index_of(std::string_view text, std::span<const std::string_view> names, bool any_case) {
  const auto wanted = any_case ? lower(text) : std::string(text);
  const auto found = std::find(names.begin(), names.end(), wanted);
  return found == names.end() ? fields::unset : static_cast<size_t>(found - names.begin());
}

}  // namespace

yaml_reader::yaml_reader(const yaml_node& root, const std::string& file, const std::string& folder,
                         diagnostics& errors)
    : root_(root), file_(file), folder_(folder), errors_(errors) {}

bool yaml_reader::begin() {
  if (root_.type != kind::map && root_.type != kind::null) {
    wrong_type(root_, "", "a mapping");
    return false;
  }
  push(root_, "");
  return true;
}

void yaml_reader::push(const yaml_node& node, std::string path) {
  levels_.push_back({&node, std::move(path), std::vector<bool>(node.members.size())});
}

void yaml_reader::leave() {
  TROUPE_CHECK(!levels_.empty());
  const auto& l = levels_.back();
  for (size_t i = 0; i < l.known.size(); ++i) {
    const auto& m = l.node->members[i];
    if (!l.known[i])
      errors_.push_back({file_, m.line, m.column, child_path(l.path, m.key), "unknown field"});
  }
  levels_.pop_back();
}

const yaml_node* yaml_reader::raw(std::string_view key) {
  auto& l = levels_.back();
  for (size_t i = 0; i < l.known.size(); ++i) {
    if (l.node->members[i].key != key)
      continue;
    l.known[i] = true;
    const auto& v = l.node->members[i].value;
    return v.type == kind::null ? nullptr : &v;
  }
  return nullptr;
}

std::string yaml_reader::path_of(std::string_view key) const {
  return child_path(levels_.back().path, key);
}

void yaml_reader::fail(const yaml_node& where, std::string field, std::string message) {
  errors_.push_back({file_, where.line, where.column, std::move(field), std::move(message)});
}

void yaml_reader::wrong_type(const yaml_node& n, std::string path, std::string_view expected) {
  std::string got(kind_name(n));
  // A value where a mapping or list belongs may be a secret in the wrong place: not quoted.
  const bool quotable = !expected.starts_with("a mapping") && !expected.starts_with("a list");
  if (n.type == kind::scalar && quotable)
    got = (n.plain ? "" : "the string ") + quoted(n.text);
  fail(n, std::move(path), "must be " + std::string(expected) + ", not " + got);
}

bool yaml_reader::has(std::string_view key) const {
  const auto* v = levels_.back().node->find(key);
  return v != nullptr && v->type != kind::null;
}

const yaml_node* yaml_reader::scalar(std::string_view key, std::string_view expected) {
  const auto* n = raw(key);
  if (n != nullptr && n->type != kind::scalar) {
    wrong_type(*n, path_of(key), expected);
    return nullptr;
  }
  return n;
}

void yaml_reader::invalid(std::string_view key, std::string message) {
  diagnostic d{file_, 0, 0, std::string(key), std::move(message)};
  locate(*levels_.back().node, d);
  d.field = path_of(key);
  errors_.push_back(std::move(d));
}

void yaml_reader::text(std::string_view key, std::string& v, shown, when) {
  if (const auto* n = raw(key))
    scalar_text(*n, path_of(key), "a string", v);
}

bool yaml_reader::scalar_text(const yaml_node& n, const std::string& path,
                              std::string_view expected, std::string& out) {
  if (n.type != kind::scalar) {
    wrong_type(n, path, expected);
    return false;
  }
  if (!is_valid_utf8(n.text)) {
    fail(n, path, "must be valid UTF-8");
    return false;
  }
  out = n.text;
  return true;
}

void yaml_reader::secret_text(std::string_view key, secret& v) {
  if (const auto* n = scalar(key, "a string"))
    v = secret(n->text);
}

void yaml_reader::url(std::string_view key, std::string& v) {
  text(key, v, shown::no, when::set);
}

void yaml_reader::path(std::string_view key, std::string& v) {
  if (const auto* n = scalar(key, "a string"))
    v = join_folder(folder_, n->text);
}

void yaml_reader::flag(std::string_view key, bool& v, when) {
  const auto* n = scalar(key, "true or false");
  if (n != nullptr && (!n->plain || !parse_yaml_bool(n->text, v)))
    wrong_type(*n, path_of(key), "true or false");
}

void yaml_reader::integer(std::string_view key, int64_t& v, when) {
  const auto* n = scalar(key, "an integer");
  if (n != nullptr && (!n->plain || !parse_yaml_int(n->text, v)))
    wrong_type(*n, path_of(key), "an integer");
}

void yaml_reader::count(std::string_view key, uint64_t& v, when) {
  const auto* n = scalar(key, "an integer of at least 0");
  if (n != nullptr && (!n->plain || !parse_yaml_count(n->text, v)))
    wrong_type(*n, path_of(key), "an integer of at least 0");
}

void yaml_reader::number(std::string_view key, double& v, when) {
  const auto* n = scalar(key, "a number");
  if (n != nullptr && (!n->plain || !parse_yaml_number(n->text, v)))
    wrong_type(*n, path_of(key), "a number");
}

void yaml_reader::duration(std::string_view key, int64_t& ms, when) {
  const auto* n = scalar(key, "a duration");
  if (n == nullptr)
    return;
  const auto parsed = parse_duration(n->text);
  if (parsed.ok())
    ms = *parsed;
  else
    fail(*n, path_of(key), std::string(parsed.error().message()));
}

void yaml_reader::bytes(std::string_view key, uint64_t& v, when) {
  const auto* n = scalar(key, "a size");
  if (n == nullptr)
    return;
  const auto parsed = parse_bytes(n->text);
  if (parsed.ok())
    v = *parsed;
  else
    fail(*n, path_of(key), std::string(parsed.error().message()));
}

bool yaml_reader::text_list(const yaml_node& n, const std::string& path,
                            std::vector<std::string>& out) {
  if (n.type != kind::list) {
    wrong_type(n, path, "a list");
    return false;
  }
  out.clear();
  for (size_t i = 0; i < n.items.size(); ++i) {
    std::string item;
    if (scalar_text(n.items[i], item_path(path, i), "a string", item))
      out.push_back(std::move(item));
  }
  return true;
}

void yaml_reader::texts(std::string_view key, std::vector<std::string>& v, shown) {
  if (const auto* n = raw(key))
    text_list(*n, path_of(key), v);
}

void yaml_reader::paths(std::string_view key, std::vector<std::string>& v) {
  const auto* n = raw(key);
  if (n == nullptr || !text_list(*n, path_of(key), v))
    return;
  for (auto& p : v)
    p = join_folder(folder_, p);
}

void yaml_reader::secrets(std::string_view key, std::vector<secret>& v) {
  std::vector<std::string> plain;
  const auto* n = raw(key);
  if (n == nullptr || !text_list(*n, path_of(key), plain))
    return;
  v.clear();
  for (auto& p : plain)
    v.emplace_back(std::move(p));
}

void yaml_reader::text_map(std::string_view key, std::map<std::string, std::string>& v, shown) {
  const auto* n = raw(key);
  if (n == nullptr)
    return;
  if (n->type != kind::map) {
    wrong_type(*n, path_of(key), "a mapping");
    return;
  }
  v.clear();
  for (const auto& m : n->members) {
    auto& value = v[m.key];
    if (m.value.type != kind::null)
      scalar_text(m.value, child_path(path_of(key), m.key), "a string", value);
  }
}

void yaml_reader::secret_map(std::string_view key, std::map<std::string, secret>& v) {
  std::map<std::string, std::string> plain;
  text_map(key, plain, shown::no);
  for (auto& [name, value] : plain)
    v[name] = secret(std::move(value));
}

void yaml_reader::texts_map(std::string_view key,
                            std::map<std::string, std::vector<std::string>>& v, shown) {
  const auto* n = raw(key);
  if (n == nullptr)
    return;
  if (n->type != kind::map) {
    wrong_type(*n, path_of(key), "a mapping of lists");
    return;
  }
  v.clear();
  for (const auto& m : n->members) {
    auto& values = v[m.key];
    if (m.value.type != kind::null)
      text_list(m.value, child_path(path_of(key), m.key), values);
  }
}

void yaml_reader::secrets_map(std::string_view key, std::map<std::string, std::vector<secret>>& v) {
  std::map<std::string, std::vector<std::string>> plain;
  texts_map(key, plain, shown::no);
  for (auto& [name, values] : plain)
    for (auto& value : values)
      v[name].emplace_back(std::move(value));
}

void yaml_reader::pick(std::string_view key, size_t& index, std::span<const std::string_view> names,
                       when, bool any_case) {
  const auto* n = scalar(key, "a string");
  if (n == nullptr)
    return;
  const size_t found = index_of(n->text, names, any_case);
  if (found != unset)
    index = found;
  else
    fail(*n, path_of(key),
         "unknown value " + quoted(n->text) + ", must be one of " + one_of(names));
}

void yaml_reader::picks(std::string_view key, std::vector<size_t>& indices,
                        std::span<const std::string_view> names) {
  const auto* n = raw(key);
  std::vector<std::string> given;
  if (n == nullptr || !text_list(*n, path_of(key), given))
    return;
  indices.clear();
  for (size_t i = 0; i < given.size(); ++i) {
    const size_t found = index_of(given[i], names, false);
    if (found != unset)
      indices.push_back(found);
    else
      fail(n->items[i], item_path(path_of(key), i),
           "unknown value " + quoted(given[i]) + ", must be one of " + one_of(names));
  }
}

bool yaml_reader::enter(std::string_view key, when) {
  const auto* n = raw(key);
  if (n == nullptr)
    return false;
  auto path = path_of(key);
  if (n->type != kind::map) {
    wrong_type(*n, std::move(path), "a mapping");
    return false;
  }
  push(*n, std::move(path));
  return true;
}

size_t yaml_reader::enter_list(std::string_view key, size_t) {
  const auto* n = raw(key);
  if (n == nullptr)
    return unset;
  auto path = path_of(key);
  if (n->type != kind::list) {
    wrong_type(*n, std::move(path), "a list");
    return unset;
  }
  push(*n, std::move(path));
  return n->items.size();
}

bool yaml_reader::enter_item(size_t index) {
  const auto& l = levels_.back();
  const auto& item = l.node->items[index];
  auto path = item_path(l.path, index);
  if (item.type == kind::null) {
    fail(item, std::move(path), "empty or null entry");
    return false;
  }
  if (item.type != kind::map) {
    wrong_type(item, std::move(path), "a mapping");
    return false;
  }
  push(item, std::move(path));
  return true;
}

std::optional<std::vector<std::string>> yaml_reader::enter_map(std::string_view key,
                                                               const std::vector<std::string>&) {
  if (!enter(key, when::set))
    return std::nullopt;
  std::vector<std::string> names;
  for (const auto& m : levels_.back().node->members)
    names.push_back(m.key);
  return names;
}

}  // namespace troupe::config
